-- Grain: one population of one sample with a stored count and one made again from its FCS file, disagreements first.
create or replace view stored_and_regated as
with
compared as (
    select * from gate_agreement
    where count_stored is not null and count_regated is not null
),
paths as (
    select file_sha256, path from archived_files
),
raw_paths as (
    select file_sha256 as fcs_sha256, path as fcs_path from archived_files
)
select
    compared.agrees,
    coalesce(paths.path, left(compared.file_sha256, 12)) as path,
    compared.sample_number,
    compared.sample_name,
    compared.tube_id,
    compared.population_path,
    coalesce(compared.gate_type, 'other') as gate_type,
    compared.count_stored,
    compared.count_regated,
    greatest(compared.count_stored, compared.count_regated) as larger_count,
    compared.difference,
    sign(compared.difference) * compared.difference_percent as signed_percent,
    compared.difference_percent,
    compared.tolerance_percent,
    compared.software_version,
    compared.engine,
    coalesce(raw_paths.fcs_path, left(compared.fcs_sha256, 12)) as fcs_path,
    compared.file_sha256,
    compared.fcs_sha256
from compared
left join paths using (file_sha256)
left join raw_paths using (fcs_sha256)
order by
    compared.agrees,
    compared.difference_percent desc,
    path,
    compared.sample_number,
    compared.population_path,
    compared.fcs_sha256;
