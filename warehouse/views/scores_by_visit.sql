-- Grain: one antigen, population, visit and response group: polyfunctionality in blood, the first sample of a subject.
create or replace view scores_by_visit as
with
scores as (
    select * from polyfunctionality_over_time
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
group by
    once_a_visit.population,
    once_a_visit.antigen,
    declared.position,
    once_a_visit.visit,
    visits.position,
    once_a_visit.response_group
order by
    once_a_visit.population,
    declared.position,
    once_a_visit.antigen,
    visits.position,
    once_a_visit.visit,
    once_a_visit.response_group desc;
