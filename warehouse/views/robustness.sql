-- Grain: the question of the primary analysis under one rule, landmark and assay, the assay of the primary one first.
create or replace view robustness as
with
in_force as (
    select assay from analysis_in_force
),
comparisons as (
    select * from associations
    where is_robustness
)
select
    comparisons.assay,
    comparisons.cell_population,
    comparisons.readout,
    comparisons.rule,
    comparisons.landmark_day,
    comparisons.family,
    comparisons.family = 'primary' as is_as_declared,
    comparisons.exposure,
    comparisons.outcome,
    comparisons.method,
    comparisons.n,
    comparisons.n_events,
    comparisons.n_exposed,
    comparisons.n_exposed_with_outcome,
    comparisons.n_unexposed,
    comparisons.n_unexposed_with_outcome,
    comparisons.estimate_name,
    comparisons.estimate,
    comparisons.lower,
    comparisons.upper,
    comparisons.p_value,
    comparisons.reason
from comparisons
cross join in_force
order by
    comparisons.assay = in_force.assay desc,
    comparisons.assay,
    comparisons.cell_population,
    comparisons.readout,
    comparisons.rule,
    comparisons.landmark_day;
