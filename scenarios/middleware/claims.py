from archlab.scenario import Claim

CLAIMS: tuple[Claim, ...] = ()
