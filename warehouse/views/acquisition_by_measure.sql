-- Grain: one measure of how FCS files were acquired, with its limit, the measure that fails most files first.
create or replace view acquisition_by_measure as
with
judged as (
    select * from acquisition_quality
)
select
    measure,
    largest_allowed,
    count(distinct file_sha256) as n_files,
    count(distinct file_sha256) filter (not passes) as n_files_failed,
    count(*) as n_values,
    count(*) filter (not passes) as n_failed,
    median(value) as median_value,
    max(value) as largest_value
from judged
group by measure, largest_allowed
order by n_files_failed desc, measure;
