-- Grain: one rule broken by one row of a file.
create or replace view report_rejects as
with
split_off as (
    select * from rejects
)
select
    path,
    table_name,
    place,
    column_name,
    value,
    rule,
    says,
    file_sha256
from split_off
order by path, table_name, try_cast(regexp_extract(place, '[0-9]+') as integer), place, column_name, rule;
