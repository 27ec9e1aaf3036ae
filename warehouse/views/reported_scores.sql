-- Grain: one antigen in one specimen of blood or product and batch, as reported, and population: its polyfunctionality.
create or replace view reported_scores as
with
scores as (
    select * from polyfunctionality
),
reported as (
    select distinct specimen_id, plate_id as batch, antigen, population, material from responses
    where assay = 'cytometry' and is_reported and material in ('blood', 'infusion_product')
),
response_groups as (
    select subject_id, best_overall_response, is_responder from outcomes
),
declared as (
    select antigen, position from analysis_antigens
),
populations as (
    select population, position from analysis_populations
)
select
    reported.material,
    scores.population,
    scores.antigen,
    scores.subject_id,
    scores.study_day,
    case reported.material when 'blood' then scores.visit else 'infusion product' end as visit,
    scores.specimen_id,
    scores.batch,
    scores.markers,
    scores.functionality_score,
    scores.polyfunctionality_score,
    scores.reason,
    response_groups.best_overall_response,
    case response_groups.is_responder
        when true then 'responder' when false then 'non-responder' else 'not evaluable'
    end as response_group
from scores
inner join reported using (specimen_id, batch, antigen, population)
left join response_groups using (subject_id)
left join declared using (antigen)
left join populations using (population)
order by
    reported.material,
    populations.position,
    scores.population,
    declared.position,
    scores.antigen,
    scores.subject_id,
    scores.study_day,
    scores.specimen_id,
    scores.batch;
