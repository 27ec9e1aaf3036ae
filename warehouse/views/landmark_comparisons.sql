-- Grain: one landmark and endpoint, survival by persistence there under the primary rule, the primary landmark first.
create or replace view landmark_comparisons as
with
landmarks as (
    select landmark_day, half_width_days, is_primary, position from analysis_landmarks
),
in_force as (
    select assay, population as cell_population, readout, rule from analysis_in_force
),
-- Where several methods were asked for, the first that tests the curves as they are drawn.
comparisons as (
    select associations.*
    from associations
    inner join in_force using (assay, cell_population, readout, rule)
    where associations.exposure = 'persistent_at_landmark' and associations.outcome in ('OS', 'PFS')
    qualify row_number() over (
        partition by associations.outcome, associations.landmark_day
        order by list_position(['logrank_permutation', 'landmark_logrank', 'landmark_cox'], associations.method)
    ) = 1
)
select
    landmarks.landmark_day,
    landmarks.half_width_days,
    landmarks.is_primary,
    landmarks.position,
    comparisons.outcome as endpoint,
    comparisons.* exclude (landmark_day, assay, cell_population, readout)
from landmarks
inner join comparisons using (landmark_day)
order by endpoint, landmarks.position;
