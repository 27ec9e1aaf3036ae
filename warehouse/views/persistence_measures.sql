-- Grain: one subject and tumour antigen, how much and how long it responded under the primary rule: descriptive only.
create or replace view persistence_measures as
with
in_force as (
    select assay, population, readout, rule from analysis_in_force
),
declared as (
    select antigen, position from analysis_antigens
),
series as (
    select persistence.*
    from persistence
    inner join in_force using (assay, population, readout, rule)
    where persistence.antigen_role = 'tumour'
),
response_groups as (
    select subject_id, best_overall_response from outcomes
)
select
    series.persistence_key,
    subject_id,
    coalesce(response_groups.best_overall_response, 'NE') as best_overall_response,
    antigen,
    series.origin,
    series.n_positive,
    series.n_evaluable,
    series.peak_value,
    series.peak_day,
    series.loss_kind,
    series.loss_left_day,
    series.loss_right_day,
    series.auc_per_day,
    series.auc_end_day,
    series.auc_reason,
    series.half_life_days,
    series.half_life_lower,
    series.half_life_upper,
    series.half_life_n,
    series.half_life_n_censored,
    series.half_life_reason
from series
left join response_groups using (subject_id)
left join declared using (antigen)
order by subject_id, declared.position, antigen;
