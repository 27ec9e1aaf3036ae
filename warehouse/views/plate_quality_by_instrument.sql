-- Grain: one instrument and analyte, its plates over the whole study.
create or replace view plate_quality_by_instrument as
with
quality as (
    select * from plate_quality
),
by_plate as (
    select
        instrument,
        analyte,
        plate_id,
        max(read_date) as read_date,
        max(value) filter (measure = 'tntc_share') as tntc_percent,
        max(n_wells) filter (measure = 'tntc_share') as n_wells,
        max(value) filter (measure = 'replicate_variability') as replicate_variability,
        bool_or(trend_status = 'rejected') as is_rejected,
        bool_or(trend_status = 'warning') as has_warning
    from quality
    group by instrument, analyte, plate_id
)
select
    instrument,
    analyte,
    count(*) as n_plates,
    count(*) filter (read_date is null) as n_undated,
    count(*) filter (is_rejected) as n_rejected,
    count(*) filter (has_warning and not is_rejected) as n_warning,
    sum(n_wells)::bigint as n_wells,
    round(sum(tntc_percent * n_wells / 100))::bigint as n_wells_tntc,
    count(*) filter (tntc_percent > 0) as n_plates_tntc,
    count(replicate_variability) as n_plates_variability,
    median(replicate_variability) as variability_median,
    max(replicate_variability) as variability_max
from by_plate
group by instrument, analyte
order by instrument, analyte;
