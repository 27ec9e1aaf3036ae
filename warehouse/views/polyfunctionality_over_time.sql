-- Grain: one antigen in one blood specimen and batch, as reported, of an infused subject and population.
create or replace view polyfunctionality_over_time as
with
scores as (
    select * from polyfunctionality
    where study_day is not null
),
reported as (
    select distinct specimen_id, plate_id as batch, antigen, population from responses
    where assay = 'cytometry' and is_reported and material = 'blood'
),
response_groups as (
    select subject_id, best_overall_response, is_responder from outcomes
),
declared as (
    select antigen, position from analysis_antigens
)
select
    scores.population,
    scores.antigen,
    scores.subject_id,
    scores.study_day,
    scores.visit,
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
order by
    scores.population,
    declared.position,
    scores.antigen,
    scores.subject_id,
    scores.study_day,
    scores.specimen_id,
    scores.batch;
