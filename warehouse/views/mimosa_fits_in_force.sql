-- Grain: one antigen, population, subset and visit, the latest version of its mixture, weak ones and missing ones first.
create or replace view mimosa_fits_in_force as
with
fits as (
    select * from mimosa_fits
),
latest as (
    select * from fits
    qualify row_number() over (partition by antigen, population, subset, visit order by version desc) = 1
)
select
    antigen,
    population,
    subset,
    visit,
    version,
    case when w_response is null then 'no fit' when is_weak then 'weak' else 'sound' end as fit,
    n_specimens,
    largest_stimulated_percent,
    w_response,
    alpha_s,
    beta_s,
    alpha_u,
    beta_u,
    log_likelihood,
    estimated_on
from latest
order by
    list_position(['weak', 'no fit', 'sound'], fit),
    antigen,
    population,
    subset,
    visit;
