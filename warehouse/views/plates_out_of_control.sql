-- Grain: one measure of one plate that warns or is rejected, the rejected ones and the latest first.
create or replace view plates_out_of_control as
with
charted as (
    select * from charted_plates
)
select
    trend_status,
    plate_id,
    instrument,
    read_date,
    analyte,
    measure,
    sample,
    value,
    is_bound,
    z,
    westgard,
    is_reference
from charted
where trend_status in ('rejected', 'warning')
order by trend_status, read_date desc, plate_id, analyte, measure, sample;
