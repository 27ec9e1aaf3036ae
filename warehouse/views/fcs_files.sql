-- Grain: one data set of one FCS file, those with something against the standard first.
create or replace view fcs_files as
with
raw_files as (
    select * from cytometry_files
),
paths as (
    select file_sha256, path from archived_files
),
stained as (
    select file_sha256, data_set, count(stain) as n_stains from cytometry_channels
    group by file_sha256, data_set
),
tubes as (
    select file_sha256, tube_id, reason from matched_samples
    where source = 'fcs' and sample_number = 1
)
select
    coalesce(paths.path, left(raw_files.file_sha256, 12)) as path,
    raw_files.data_set,
    -- Only the first data set of a file is a tube: others describe the same acquisition.
    case when raw_files.data_set = 1 then tubes.tube_id end as tube_id,
    case when raw_files.data_set = 1 then tubes.reason end as reason,
    raw_files.fcs_version,
    raw_files.n_events,
    raw_files.n_events_declared,
    coalesce(raw_files.n_events <> raw_files.n_events_declared, false) as is_other_than_declared,
    raw_files.n_channels,
    coalesce(stained.n_stains, 0) as n_stains,
    raw_files.data_type,
    raw_files.decoded_by,
    raw_files.cytometer,
    raw_files.acquisition_date,
    raw_files.has_compensation,
    raw_files.remarks,
    raw_files.file_sha256
from raw_files
left join paths using (file_sha256)
left join stained using (file_sha256, data_set)
left join tubes using (file_sha256)
order by is_other_than_declared desc, raw_files.remarks is null, path, raw_files.data_set;
