-- Grain: one rule broken in one column of one table, over all rows split off.
create or replace view reject_counts as
with
split_off as (
    select * from rejects
)
select
    table_name,
    column_name,
    rule,
    any_value(says) as says,
    count(*) as n_rejects,
    count(distinct file_sha256) as n_files
from split_off
group by table_name, column_name, rule
order by n_rejects desc, table_name, column_name, rule;
