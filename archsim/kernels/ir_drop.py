"""IR drop: wires take a share of the voltage. A first-order model, and the solved network that checks it."""

import numpy as np
from numpy.typing import NDArray

Levels = NDArray[np.float64]


def drop(levels: Levels, wire: float, activity: float) -> Levels:
    """Effective conductances (rows, cols) of an array with wires, first order in the wires' resistance.

    levels: conductances over the largest. wire: resistance between two cells times the largest conductance. Rows are
    driven at column 0; columns end at ground behind the last row. A wire carries the nominal current of the cells
    beyond it: along row i all of the row's, along the columns those of the share `activity` of the rows. So

        G'ij = Gij (1 - wire (sum of k<=j, m>=k of Gim + activity sum of k>=i, m<=k of Gmj))
    """
    beyond = np.cumsum(levels[:, ::-1], axis=1)[:, ::-1]
    along_row = np.cumsum(beyond, axis=1)
    above = np.cumsum(levels, axis=0)
    along_column = np.cumsum(above[::-1], axis=0)[::-1]
    return levels * np.maximum(1 - wire * (along_row + activity * along_column), 0)


def solve(levels: Levels, wire: float, voltages: NDArray[np.float64]) -> NDArray[np.float64]:
    """Currents of the columns (cols,), by solving the network of all nodes (needs scipy). voltages: (rows,)."""
    from scipy.sparse import lil_matrix
    from scipy.sparse.linalg import spsolve

    rows, cols = levels.shape
    row_node = np.arange(rows * cols).reshape(rows, cols)
    column_node = row_node + rows * cols
    matrix = lil_matrix((2 * rows * cols, 2 * rows * cols))
    current = np.zeros(2 * rows * cols)
    link = 1 / wire

    def join(a: int, b: int, conductance: float) -> None:
        matrix[a, a] += conductance
        matrix[b, b] += conductance
        matrix[a, b] -= conductance
        matrix[b, a] -= conductance

    for i in range(rows):
        matrix[row_node[i, 0], row_node[i, 0]] += link
        current[row_node[i, 0]] += link * voltages[i]
        for j in range(cols):
            join(int(row_node[i, j]), int(column_node[i, j]), float(levels[i, j]))
            if j + 1 < cols:
                join(int(row_node[i, j]), int(row_node[i, j + 1]), link)
            if i + 1 < rows:
                join(int(column_node[i, j]), int(column_node[i + 1, j]), link)
    for j in range(cols):
        matrix[column_node[-1, j], column_node[-1, j]] += link
    solved = spsolve(matrix.tocsr(), current)
    found: NDArray[np.float64] = solved[column_node[-1]] * link
    return found
