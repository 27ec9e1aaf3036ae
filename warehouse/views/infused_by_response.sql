-- Grain: one infusion product with its tumour-reactive T cells and the best overall response of its subject.
create or replace view infused_by_response as
with
products as (
    select * from infusion_products
),
response_groups as (
    select subject_id, best_overall_response, is_responder from outcomes
)
select
    products.subject_id,
    products.specimen_id,
    coalesce(response_groups.best_overall_response, 'NE') as best_overall_response,
    case response_groups.is_responder
        when true then 'responder' when false then 'non-responder' else 'not evaluable'
    end as response_group,
    products.reactive_assay,
    products.total_viable_cells,
    products.reactive_net_value,
    products.tumour_reactive_cells,
    products.tumour_reactive_cells_lower,
    products.tumour_reactive_cells_ci_lower,
    products.tumour_reactive_cells_ci_upper,
    products.tumour_reactive_cells_lod,
    coalesce(products.is_below_lod, false) as is_below_lod,
    -- A bound that is no lower one has none.
    coalesce(products.is_bounded, false) and products.tumour_reactive_cells_lower is not null as is_lower_bound,
    -- Where the point stands: a censored number at its LOD or at its lower bound.
    case
        when products.is_below_lod then products.tumour_reactive_cells_lod
        else coalesce(products.tumour_reactive_cells, products.tumour_reactive_cells_lower)
    end as drawn_cells,
    products.reactive_reason
from products
left join response_groups using (subject_id)
order by products.subject_id;
