-- Grain: one specimen the study expects of one subject, in the order of the visits.
create or replace view specimen_matrix as
with
expected as (
    select * from expected_specimens
),
visits as (
    select visit, material, position from analysis_visits
)
select
    expected.subject_id,
    expected.visit,
    expected.material,
    -- A visit that study.toml no longer declares stands last.
    coalesce(visits.position, 1000) as position,
    case
        when expected.specimen_status = 'received' and expected.reason is null then 'received'
        when expected.specimen_status = 'received' then 'received, says nothing'
        when expected.specimen_status = 'not_due' then 'not due yet'
        else 'absent: ' || replace(coalesce(expected.reason, 'unknown'), '_', ' ')
    end as state,
    expected.reason,
    expected.window_start_date,
    expected.window_end_date,
    expected.specimen_id
from expected
left join visits using (visit, material)
order by expected.subject_id, position, expected.visit, expected.material;
