-- Grain: one cytometer and version of FCS, over the first data set of every file.
create or replace view fcs_files_by_cytometer as
with
raw_files as (
    select * from fcs_files
    where data_set = 1
)
select
    coalesce(cytometer, 'not told') as cytometer,
    fcs_version,
    count(*) as n_files,
    count(tube_id) as n_tubes,
    sum(n_events)::bigint as n_events,
    median(n_events) as median_events,
    min(n_channels) as min_channels,
    max(n_channels) as max_channels,
    count(*) filter (has_compensation) as n_with_compensation,
    count(*) filter (is_other_than_declared) as n_other_than_declared,
    count(remarks) as n_with_remarks,
    min(acquisition_date) as first_date,
    max(acquisition_date) as last_date
from raw_files
group by all
order by n_files desc, cytometer, fcs_version;
