-- Grain: one landmark that study.toml declares, the primary one first.
create or replace view analysis_landmarks as
with
declared as (
    select unnest(from_json(value, '[{"day": "INTEGER", "half_width": "INTEGER"}]'), recursive := true)
    from settings
    where setting = 'persistence.landmarks'
),
in_force as (
    select landmark_day from analysis_in_force
),
judged as (
    select
        declared.day as landmark_day,
        declared.half_width as half_width_days,
        declared.day = in_force.landmark_day as is_primary
    from declared
    cross join in_force
)
select
    landmark_day,
    half_width_days,
    is_primary,
    row_number() over (order by is_primary desc, landmark_day) as position
from judged
order by position;
