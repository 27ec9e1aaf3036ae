-- Grain: one number of tumour antigens positive at one visit in one response group, primary series.
create or replace view breadth_by_visit as
with
in_force as (
    select assay, population, readout, rule from analysis_in_force
),
response_groups as (
    select subject_id, is_responder from outcomes
    where is_infused
),
samples as (
    select
        breadth.*,
        case response_groups.is_responder
            when true then 'responder' when false then 'non-responder' else 'not evaluable'
        end as response_group
    from breadth
    inner join in_force using (assay, population, readout, rule)
    inner join response_groups using (subject_id)
),
visits as (
    select visit, day from analysis_visits
),
-- Of two samples in one visit the earlier.
at_visits as (
    select samples.*, visits.day
    from samples
    inner join visits using (visit)
    qualify row_number() over (partition by samples.subject_id, samples.visit order by samples.study_day) = 1
)
select
    visit,
    day,
    response_group,
    n_antigens_positive,
    count(*) as n_subjects,
    sum(count(*)) over (partition by visit, response_group)::bigint as n_subjects_in_group,
    max(n_antigens_declared) as n_antigens_declared,
    count(*) filter (n_antigens_evaluable < n_antigens_declared) as n_subjects_incomplete
from at_visits
group by visit, day, response_group, n_antigens_positive
order by day, list_position(['responder', 'non-responder', 'not evaluable'], response_group), n_antigens_positive;
