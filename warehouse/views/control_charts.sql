-- Grain: one control chart (instrument, analyte, measure and sample) with its limits in force and its verdicts.
create or replace view control_charts as
with
charted as (
    select * from charted_plates
),
period as (
    select * from chart_period
),
baselines as (
    select control_baselines.*
    from control_baselines
    inner join period using (reference_first, reference_last)
),
latest as (
    select
        instrument,
        analyte,
        measure,
        sample,
        max(version) as baseline_version,
        max_by(n_plates, version) as n_plates_of_limits,
        max_by(n_bounds, version) as n_bounds_of_limits,
        max_by(estimated_on, version) as estimated_on
    from baselines
    group by instrument, analyte, measure, sample
),
verdicts as (
    select
        instrument,
        analyte,
        measure,
        sample,
        count(*) as n_plates,
        min(read_date) as first_read,
        max(read_date) as last_read,
        count(*) filter (is_bound) as n_bound,
        count(*) filter (is_reference) as n_plates_of_period,
        count(*) filter (is_reference and is_bound) as n_bounds_of_period,
        count(*) filter (trend_status = 'in_control') as n_in_control,
        count(*) filter (trend_status = 'warning') as n_warning,
        count(*) filter (trend_status = 'rejected') as n_rejected,
        count(*) filter (trend_status = 'not_judged') as n_not_judged,
        count(*) filter (trend_status = 'no_reference') as n_no_reference,
        max(mean_log10) as mean_log10,
        max(sd_log10) as sd_log10
    from charted
    group by instrument, analyte, measure, sample
)
select
    verdicts.*,
    latest.baseline_version,
    latest.n_plates_of_limits,
    latest.n_bounds_of_limits,
    latest.estimated_on
from verdicts
left join latest using (instrument, analyte, measure, sample)
order by instrument, analyte, measure, sample;
