"""English words that say nothing about a text's subject."""

STOPWORDS = frozenset(
    """
    a about above after again against ain all also am an and any are aren't as at be because been before being below
    between both but by can can't cannot could couldn't did didn't do does doesn't doing don't down during each either
    else ever every few for from further get gets give gives given got had hadn't has hasn't have haven't having he
    he's her here hers herself him himself his how however i i'd i'll i'm i've if in instead into is isn't it it's its
    itself just let let's like may me might more most much must my myself neither no nor not now of off often on once
    one only onto or other our ours ourselves out over own per please rather same shall she should shouldn't so some
    such tell than that that's the their theirs them themselves then there there's these they they're this those
    though through thus to too under until up upon us very via was wasn't we we're were weren't what what's whatever
    when where where's whereas whether which while who who's whole whom whose why will with within without won't would
    wouldn't yes yet you you'd you'll you're you've your yours yourself yourselves etc eg ie
    """.split()  # noqa: SIM905 -- a list literal of these would be 200 lines
)

# Words that carry a little of the subject; a question should not be decided by them.
WEAK_WORDS = frozenset(
    """
    able actually add allow already always another around ask available back become begin best better big bit bring
    call case certain change come common complete contain current day different do easy enough even example exist
    explain fact far find first follow full general go good great happen help high hold important include keep kind
    know large last later least leave less level likely little long look lot low main make many mean meaning means
    name need never new next none normal note number occur old open order part particular people person place
    possible provide put reach read really reason receive relate require right run say second see seem several show
    side simple since single small something sometimes sort special start state still support sure take thing think
    three time times today together total try turn two type understand use used useful user uses using usual usually
    value various want way well work works write wrong year
    """.split()  # noqa: SIM905 -- a list literal of these would be 200 lines
)
