-- Grain: one measure of one FCS file and channel that is beyond its limit, the worst of each measure first.
create or replace view failed_acquisitions as
with
failed as (
    select * from acquisition_quality
    where not passes
),
paths as (
    select file_sha256, path from archived_files
)
select
    failed.measure,
    coalesce(paths.path, left(failed.file_sha256, 12)) as path,
    failed.data_set,
    failed.sample_name,
    failed.tube_id,
    failed.channel,
    failed.value,
    failed.largest_allowed,
    failed.file_sha256
from failed
left join paths using (file_sha256)
order by failed.measure, failed.value desc, path, failed.data_set, failed.channel;
