"""Makes left.json and right.json: two Transformers that look up the value of the nearest of five centres in the plane.

|x - c|^2 = |x|^2 - (2 c . x - |c|^2), so the nearest centre is the one with the largest score 2 c . x - |c|^2.
"""

from pathlib import Path

import exactformer as ef
from exactformer.building import Design, Space, block, constant_query_head, head, token

TABLE = [((0, 0), 7), ((4, 1), -3), ((1, 5), 2), ((-4, 2), 5), ((-1, -4), -1)]  # (centre, value)
DOMAIN = ef.Box([None, None], [None, None])


def by_affine_keys() -> ef.Transformer:
    """One token a centre: its key is the score, affine in the input, and every query is constant."""
    inputs, state = Space(x=2), Space("one", "score", "label", "out")
    (x,), (one, score, label, out) = inputs.parts, state.parts
    tokens = [token(one=1, score=2 * a * x[0] + 2 * b * x[1] - (a * a + b * b), label=value) for (a, b), value in TABLE]
    design = Design(
        inputs=inputs,
        space=state,
        tokens=tokens,
        blocks=[block(constant_query_head(one=one, key=score, value=label, to=out))],
        readout=out,
    )
    return design.build(name="nearest neighbour, affine keys", domain=DOMAIN)


def by_query() -> ef.Transformer:
    """Dot-product attention: constant tokens hold the centres, the last token holds x and asks; half of each score.

    The last token cannot help seeing itself. It poses as a centre at 0 with |c|^2 = 1, which always loses to the
    centre at 0 in the table.
    """
    inputs, state = Space(x=2), Space("one", "label", "out", "norm", x=2, centre=2)
    (x,), (one, label, out, norm, question, centre) = inputs.parts, state.parts
    memory = [token(one=1, label=value, norm=a * a + b * b, centre=[a, b]) for (a, b), value in TABLE]
    look_up = head(query=[*question, one], key=[*centre, norm * "-1/2"], value=label, to=out)
    design = Design(
        inputs=inputs,
        space=state,
        tokens=[*memory, token(one=1, norm=1, x=x)],
        blocks=[block(look_up)],
        readout=out,
        token=len(memory),
        mask="causal",
    )
    return design.build(name="nearest neighbour, dot products", domain=DOMAIN)


if __name__ == "__main__":
    ef.save(by_affine_keys(), Path(__file__).with_name("left.json"))
    ef.save(by_query(), Path(__file__).with_name("right.json"))
