-- Grain: one plate on one control chart, in the order in which Westgard's rules take the plates.
create or replace view charted_plates as
with
quality as (
    select * from plate_quality
),
charted as (
    select *
    from quality
    where trend_status <> 'not_charted'
)
select
    instrument,
    analyte,
    measure,
    sample,
    row_number() over (
        partition by instrument, analyte, measure, sample
        order by read_date, plate_id
    ) as place_in_order,
    plate_id,
    read_date,
    value,
    is_bound,
    n_wells,
    value_log10,
    mean_log10,
    sd_log10,
    z,
    baseline_version,
    is_reference,
    westgard,
    trend_status
from charted
order by instrument, analyte, measure, sample, place_in_order;
