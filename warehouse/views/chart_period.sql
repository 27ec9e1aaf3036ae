-- Grain: one row, the reference period of control charts as study.toml sets it (null where it sets none).
create or replace view chart_period as
with
settings_in_force as (
    select setting, value from settings
)
select
    (max(value ->> '$') filter (setting = 'elispot.trend.reference_first'))::date as reference_first,
    (max(value ->> '$') filter (setting = 'elispot.trend.reference_last'))::date as reference_last,
    (max(value ->> '$') filter (setting = 'elispot.trend.min_plates'))::integer as min_plates
from settings_in_force;
