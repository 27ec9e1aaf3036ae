-- Grain: one reason why expected specimens of one visit and material are absent, or received ones say nothing.
create or replace view missing_specimens as
with
expected as (
    select * from expected_specimens
),
visits as (
    select visit, material, position from analysis_visits
),
silent as (
    select visit, material, specimen_status, coalesce(reason, 'unknown') as reason, subject_id
    from expected
    where specimen_status = 'absent' or (specimen_status = 'received' and reason is not null)
)
select
    silent.visit,
    silent.material,
    silent.specimen_status,
    silent.reason,
    count(*) as n_specimens,
    string_agg(silent.subject_id, ', ' order by silent.subject_id) as subjects
from silent
left join visits using (visit, material)
group by silent.visit, silent.material, silent.specimen_status, silent.reason
order by min(visits.position), silent.visit, silent.specimen_status, silent.reason;
