-- Grain: one landmark, overall survival by persistence there under the primary rule, the primary landmark first.
create or replace view landmark_survival as
with
landmarks as (
    select landmark_day, half_width_days, is_primary, position from analysis_landmarks
),
in_force as (
    select assay, population as cell_population, readout, rule from analysis_in_force
),
comparisons as (
    select associations.*
    from associations
    inner join in_force using (assay, cell_population, readout, rule)
    where associations.exposure = 'persistent_at_landmark' and associations.outcome = 'OS'
)
select
    landmarks.landmark_day,
    landmarks.half_width_days,
    landmarks.is_primary,
    landmarks.position,
    comparisons.* exclude (landmark_day, assay, cell_population, readout)
from landmarks
inner join comparisons using (landmark_day)
order by landmarks.position;
