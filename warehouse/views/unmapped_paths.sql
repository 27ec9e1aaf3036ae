-- Grain: one path of gates that study.toml does not name, and that leads to none it names.
create or replace view unmapped_paths as
with
named as (
    select * from population_paths
),
mapped as (
    select population_path from named
    where is_mapped
),
paths as (
    select file_sha256, path from archived_files
)
select
    named.population_path,
    named.n_samples,
    named.n_files,
    named.reason,
    coalesce(paths.path, left(named.example_sha256, 12)) as example_file
from named
left join paths on named.example_sha256 = paths.file_sha256
where
    not named.is_mapped
    -- All events, and the gates above a population, are meant to be passed through.
    and named.population_path <> ''
    and not exists (
        from mapped
        where starts_with(mapped.population_path, named.population_path || '/')
    )
order by named.n_samples desc, named.population_path;
