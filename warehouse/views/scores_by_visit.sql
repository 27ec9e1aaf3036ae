-- Grain: one antigen, population, visit (or infusion product) and response group: scores, of a subject's first sample.
create or replace view scores_by_visit as
with
scores as (
    select * from reported_scores
    where polyfunctionality_score is not null
),
-- Two samples of a subject in one visit: the earlier.
once_a_visit as (
    select * from scores
    qualify row_number() over (
        partition by population, antigen, visit, subject_id order by study_day, specimen_id, batch
    ) = 1
),
visits as (
    select visit, position from analysis_visits
),
declared as (
    select antigen, position from analysis_antigens
),
populations as (
    select population, position from analysis_populations
)
select
    once_a_visit.population,
    once_a_visit.antigen,
    once_a_visit.visit,
    once_a_visit.response_group,
    count(*) as n_subjects,
    median(once_a_visit.polyfunctionality_score) as polyfunctionality_median,
    min(once_a_visit.polyfunctionality_score) as polyfunctionality_min,
    max(once_a_visit.polyfunctionality_score) as polyfunctionality_max,
    median(once_a_visit.functionality_score) as functionality_median
from once_a_visit
left join visits using (visit)
left join declared using (antigen)
left join populations using (population)
group by
    once_a_visit.population,
    populations.position,
    once_a_visit.antigen,
    declared.position,
    once_a_visit.visit,
    visits.position,
    once_a_visit.response_group
order by
    populations.position,
    once_a_visit.population,
    declared.position,
    once_a_visit.antigen,
    visits.position,
    once_a_visit.visit,
    list_position(['responder', 'non-responder', 'not evaluable'], once_a_visit.response_group);
