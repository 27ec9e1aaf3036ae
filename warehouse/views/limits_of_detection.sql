-- Grain: one version of the limit of blank of one analyte, with the LODs it gave (version null: set, or one spot).
create or replace view limits_of_detection as
with
versions as (
    select assay, readout, version, limit_of_blank, control_mean, n_wells, estimated_on
    from estimates
    where estimate = 'limit_of_blank'
),
rules as (
    select value ->> '$' as rule from settings
    where setting = 'rules.primary'
),
measured as (
    -- The LOD of ELISpot is the same under every rule, so one rule counts each response once. That of cytometry is
    -- each sample's own and rests on no estimate.
    select responses.assay, responses.readout, responses.lod_version as version, responses.lod
    from responses
    inner join rules using (rule)
    where responses.assay = 'elispot' and responses.lod is not null
),
used as (
    select assay, readout, version, count(*) as n_responses, min(lod) as lod_min, max(lod) as lod_max
    from measured
    group by assay, readout, version
)
select
    coalesce(versions.assay, used.assay) as assay,
    coalesce(versions.readout, used.readout) as readout,
    coalesce(versions.version, used.version) as version,
    versions.limit_of_blank,
    versions.control_mean,
    versions.n_wells,
    versions.estimated_on,
    coalesce(used.n_responses, 0) as n_responses,
    used.lod_min,
    used.lod_max
from versions
full join used
    on versions.assay = used.assay
    and versions.readout = used.readout
    and versions.version = used.version
order by 1, 2, 3 nulls last;
