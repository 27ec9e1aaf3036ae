-- Grain: one kind of file that tells of cytometry samples.
create or replace view cytometry_samples_by_source as
with
samples as (
    select * from cytometry_samples
),
matched as (
    select file_sha256, sample_number, tube_id, matched_by, reason from matched_samples
),
populations as (
    select
        file_sha256,
        sample_number,
        count(*) filter (status = 'counted') as n_counted,
        count(*) filter (status <> 'counted') as n_not_counted
    from cytometry_counts
    group by file_sha256, sample_number
)
select
    source,
    count(distinct file_sha256) as n_files,
    count(*) as n_samples,
    count(matched.tube_id) as n_matched,
    count(distinct matched.tube_id) as n_tubes,
    count(*) filter (matched.matched_by = 'cytometry_tubes' and matched.reason is null) as n_by_table,
    count(*) filter (matched.matched_by = 'keywords' and matched.reason is null) as n_by_keywords,
    count(*) filter (matched.matched_by = 'file_name' and matched.reason is null) as n_by_file_name,
    count(matched.reason) as n_no_tube,
    coalesce(sum(populations.n_counted), 0)::bigint as n_counted,
    coalesce(sum(populations.n_not_counted), 0)::bigint as n_not_counted
from samples
left join matched using (file_sha256, sample_number)
left join populations using (file_sha256, sample_number)
group by source
order by source;
