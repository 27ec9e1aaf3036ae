-- Grain: the primary exposure against response under one rule at one landmark.
create or replace view robustness as
with
in_force as (
    select assay, population as cell_population, readout, rule, landmark_day from analysis_in_force
),
comparisons as (
    select * from associations
    where exposure = 'persistent_at_landmark' and outcome = 'responder'
)
select
    comparisons.rule,
    comparisons.landmark_day,
    comparisons.family,
    comparisons.rule = in_force.rule and comparisons.landmark_day = in_force.landmark_day as is_as_declared,
    comparisons.n,
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
inner join in_force using (assay, cell_population, readout)
order by comparisons.rule, comparisons.landmark_day;
