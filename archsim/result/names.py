"""Names of stations and operators in results: what is alike in several layers goes by one name."""


def operator_name(operator: str) -> str:
    """`layer/name` without the layer."""
    return operator.partition("/")[2] or operator


def station_name(station: str) -> str:
    """A station without its layer; links of a mesh, and those between chips, go by one name each."""
    if station.endswith(" channel"):
        return "transfers"
    if station.startswith("mesh "):
        return "mesh links"
    if station.startswith("link "):
        return "chip links"
    return operator_name(station)
