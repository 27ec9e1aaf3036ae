-- Grain: one visit and material, with how many specimens the study expects of it and what became of them.
create or replace view specimens_by_visit as
with
expected as (
    select * from expected_specimens
),
visits as (
    select visit, material, position from analysis_visits
)
select
    expected.visit,
    expected.material,
    count(*) as n_subjects,
    count(*) filter (expected.specimen_status <> 'not_due') as n_due,
    count(*) filter (expected.specimen_status = 'received') as n_received,
    count(*) filter (expected.specimen_status = 'received' and expected.reason is not null) as n_received_silent,
    count(*) filter (expected.specimen_status = 'absent') as n_absent,
    count(*) filter (expected.specimen_status = 'absent' and coalesce(expected.reason, 'unknown') = 'unknown')
        as n_absent_unexplained,
    count(*) filter (expected.specimen_status = 'not_due') as n_not_due
from expected
left join visits using (visit, material)
group by expected.visit, expected.material
order by min(visits.position), expected.visit, expected.material;
