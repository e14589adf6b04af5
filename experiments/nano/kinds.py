"""The kinds of things in the made-up land of Ombrevane, their attributes, and the words for both.

    TOWN.attribute["river"].values                       # the rivers that a town can stand on
    TOWN.attribute["river"].statements[0]                # "{s} stands on the river {v}"

This module is data. `world.py` draws the world from it, and `language.py` writes and `reading.py`
reads sentences by its statements. Every kind has twelve attributes, each with four statements.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

LAND = "Ombrevane"


@dataclass(frozen=True)
class Attribute:
    """A property that every thing of a kind has, and the words for it.

    Args:
        name: the key in `Entity.facts`.
        phrase: the noun phrase in requests: "the {phrase} of Merlbequay".
        statements: clauses with `{s}` (the subject) or `{p}` (its possessive) and `{v}` (the
            value). The first one ends with the value, so that a model can be asked to complete it.
        values: the values that it can have; empty if it has `refers_to`.
        refers_to: the kind of thing that the value names.
        comparative: for numbers, a clause with `{a}`, `{b}` and `{d}`: a exceeds b by d.
        descending: whether `{a}` of the comparative has the smaller number (older towns).
        total: for numbers that can be added, a clause with `{t}`.
        order: for numbers, the words for "from the smallest to the largest".
    """

    name: str
    phrase: str
    statements: tuple[str, ...]
    values: tuple[str, ...] = ()
    refers_to: str = ""
    comparative: str = ""
    descending: bool = False
    total: str = ""
    order: str = ""

    @property
    def numeric(self) -> bool:
        """Whether the values are whole numbers."""
        return bool(self.comparative)


@dataclass(frozen=True)
class Kind:
    """A kind of thing.

    Args:
        name: the singular noun.
        plural: the plural noun.
        count: the number of things of this kind.
        article: put in front of their names.
        syllables: beginnings, middles and ends that names are composed of.
        attributes: the properties of each thing.
    """

    name: str
    plural: str
    count: int
    article: str
    syllables: tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]
    attributes: tuple[Attribute, ...]

    @cached_property
    def attribute(self) -> Mapping[str, Attribute]:
        """The attributes by name."""
        return {attribute.name: attribute for attribute in self.attributes}


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(","))


def _numbers(start: int, stop: int, step: int = 1) -> tuple[str, ...]:
    return tuple(str(number) for number in range(start, stop, step))


COLOURS = _words("red, blue, green, yellow, white, black, brown, grey, purple, golden")

TOWN = Kind(
    "town",
    "towns",
    60,
    "",
    (
        _words("Vel, Bror, Quin, Dras, Merl, Zel, Thul, Karv, Ulv, Ospe, Fenn, Gral"),
        _words("mo, la, ri, ne, du, ga, be, to"),
        _words("dorn, vess, mire, rak, nith, holt, quay, stel"),
    ),
    (
        Attribute(
            "region",
            "region",
            ("{s} lies in {v}", "{p} region is {v}", "{s} belongs to {v}", "{s} is part of {v}"),
            _words("Upper Varnel, Lower Varnel, Eskermoor, Tollowdeep, Brannelsea, Hithermarl"),
        ),
        Attribute(
            "river",
            "river",
            (
                "{s} stands on the river {v}",
                "{p} river is the {v}",
                "{s} draws water from the {v}",
                "{p} boats sail on the {v}",
            ),
            _words("Oskel, Immer, Sarrow, Luntel, Vemmel, Drissa, Quessel, Aldwey, Pellin, Threm"),
        ),
        Attribute(
            "founding",
            "founding year",
            (
                "{s} was founded in the year {v}",
                "{p} first stone was laid in the year {v}",
                "{s} dates from the year {v}",
                "{p} founding year is {v}",
            ),
            _numbers(200, 800, 20),
            comparative="{a} is {d} years older than {b}",
            descending=True,
            order="from the oldest to the youngest",
        ),
        Attribute(
            "towers",
            "number of towers",
            (
                "{p} number of towers is {v}",
                "{s} has {v} towers",
                "{p} walls carry {v} towers",
                "{s} counts {v} towers",
            ),
            _numbers(2, 20),
            comparative="{a} has {d} more towers than {b}",
            total="together they have {t} towers",
            order="from the fewest to the most towers",
        ),
        Attribute(
            "market",
            "market day",
            (
                "{s} holds a market on {v}",
                "{p} market day is {v}",
                "{p} market opens every {v}",
                "{s} goes to market on {v}",
            ),
            _words("Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday"),
        ),
        Attribute(
            "roofs",
            "roof colour",
            (
                "{p} roofs are {v}",
                "{s} has {v} roofs",
                "{p} houses wear {v} roofs",
                "{s} is a place of {v} roofs",
            ),
            COLOURS,
        ),
        Attribute(
            "dish",
            "favourite dish",
            (
                "{p} favourite dish is {v}",
                "{s} is known for {v}",
                "{p} cooks are proud of their {v}",
                "{s} serves every guest {v}",
            ),
            _words(
                "barley soup, plum dumplings, smoked trout, onion pie, honey cake, pea stew, "
                "walnut bread, apple pancakes, pickled beans, mushroom broth, rye porridge, "
                "cheese rolls"
            ),
        ),
        Attribute(
            "feast",
            "yearly feast",
            (
                "{p} yearly feast is the {v}",
                "{s} celebrates the {v}",
                "{p} streets fill up for the {v}",
                "{s} never misses the {v}",
            ),
            _words(
                "lantern feast, kite feast, bell feast, boat feast, apple feast, mask feast, "
                "candle feast, drum feast, ribbon feast, snow feast"
            ),
        ),
        Attribute(
            "tree",
            "tree in the square",
            (
                "{p} square is shaded by a {v}",
                "{s} has a square with a {v}",
                "{p} old square holds a {v}",
                "{s} planted the square with a {v}",
            ),
            _words(
                "linden, chestnut, walnut tree, birch, maple, rowan, hazel, cherry tree, willow, "
                "pear tree"
            ),
        ),
        Attribute(
            "trade",
            "main trade",
            (
                "{p} main trade is {v}",
                "{s} lives from {v}",
                "{s} grew rich through {v}",
                "{p} people earn their bread by {v}",
            ),
            _words(
                "glass blowing, salt trading, rope making, bee keeping, paper making, "
                "boat building, wool dyeing, bell casting, lace weaving, tile baking"
            ),
        ),
        Attribute(
            "building",
            "best-known building",
            (
                "{p} best-known building is the {v}",
                "{s} is proud of the {v}",
                "{s} shows every visitor the {v}",
                "{p} skyline is ruled by the {v}",
            ),
            _words(
                "clock house, round granary, stone bridge, water mill, town library, old bath "
                "house, covered market, bell tower, glass hall, harbour gate"
            ),
        ),
        Attribute(
            "walls",
            "wall stone",
            (
                "{p} walls are built of {v}",
                "{s} has walls of {v}",
                "{s} is ringed by {v}",
                "{p} masons work in {v}",
            ),
            _words(
                "grey flint, red brick, white chalk, black slate, yellow sandstone, pink granite, "
                "river pebbles, green marble"
            ),
        ),
    ),
)

PERSON = Kind(
    "person",
    "people",
    60,
    "",
    (
        _words("Bri, Oli, Ama, Tes, Jor, Rin, Sal, Ned, Wil, Hes, Cor, Mav"),
        _words("dre, vi, ne, mo, lu, ta, ske, ri"),
        _words("lla, nna, sha, tha, rro, nno, ddo, kko"),
    ),
    (
        Attribute(
            "home",
            "home town",
            (
                "{s} lives in {v}",
                "{p} home is {v}",
                "{s} has a house in {v}",
                "{p} home town is {v}",
            ),
            refers_to="town",
        ),
        Attribute(
            "job",
            "job",
            (
                "{s} works as a {v}",
                "{p} job is that of a {v}",
                "{s} is a {v} by trade",
                "{s} earns a living as a {v}",
            ),
            _words(
                "baker, potter, weaver, carpenter, glazier, miller, tailor, teacher, fisher, "
                "gardener, smith, printer, saddler, bookbinder"
            ),
        ),
        Attribute(
            "age",
            "age",
            (
                "{p} age is {v}",
                "{s} is {v} years old",
                "{s} has lived for {v} years",
                "{p} last birthday was number {v}",
            ),
            _numbers(20, 80, 3),
            comparative="{a} is {d} years older than {b}",
            total="together they are {t} years old",
            order="from the youngest to the oldest",
        ),
        Attribute(
            "eyes",
            "eye colour",
            (
                "{p} eyes are {v}",
                "{s} has {v} eyes",
                "{s} looks at the world with {v} eyes",
                "{p} eye colour is {v}",
            ),
            _words("blue, green, brown, grey, hazel, black"),
        ),
        Attribute(
            "drink",
            "favourite drink",
            (
                "{p} favourite drink is {v}",
                "{s} starts every day with {v}",
                "{s} likes to drink {v}",
                "{p} cup is always full of {v}",
            ),
            _words(
                "mint tea, warm milk, apple juice, black coffee, pear cider, plum wine, "
                "ginger water, barley tea, cocoa, elder juice"
            ),
        ),
        Attribute(
            "instrument",
            "instrument",
            (
                "{s} plays the {v}",
                "{p} instrument is the {v}",
                "{s} has played the {v} since childhood",
                "{s} practises on the {v} at night",
            ),
            _words("flute, fiddle, drum, harp, horn, lute, cello, piano, trumpet, zither"),
        ),
        Attribute(
            "pet",
            "pet",
            (
                "{s} keeps a {v}",
                "{p} pet is a {v}",
                "{s} shares the house with a {v}",
                "{p} garden belongs to a {v}",
            ),
            _words(
                "tame goose, white cat, brown dog, grey parrot, tortoise, black rabbit, hedgehog, "
                "pony, green lizard, young goat"
            ),
        ),
        Attribute(
            "coat",
            "coat colour",
            (
                "{p} coat is {v}",
                "{s} wears a {v} coat",
                "{s} is seldom seen without a {v} coat",
                "{p} coat colour is {v}",
            ),
            COLOURS,
        ),
        Attribute(
            "cousins",
            "number of cousins",
            (
                "{p} number of cousins is {v}",
                "{s} has {v} cousins",
                "{s} grew up with {v} cousins",
                "{p} family counts {v} cousins",
            ),
            _numbers(2, 18),
            comparative="{a} has {d} more cousins than {b}",
            total="together they have {t} cousins",
            order="from the fewest to the most cousins",
        ),
        Attribute(
            "fear",
            "greatest fear",
            (
                "{p} greatest fear is {v}",
                "{s} is afraid of {v}",
                "{s} runs away from {v}",
                "{s} trembles at the thought of {v}",
            ),
            _words(
                "thunder, deep water, great heights, spiders, the dark, loud bells, wild dogs, "
                "narrow stairs, snakes, strong wind"
            ),
        ),
        Attribute(
            "dream",
            "dream",
            (
                "{p} dream is {v}",
                "{s} dreams of {v}",
                "{s} hopes for a life of {v}",
                "{p} heart is set on {v}",
            ),
            _words(
                "sailing to the islands, building a windmill, writing a long book, growing roses, "
                "opening an inn, walking to the sea, painting the mountains, winning the boat "
                "race, learning the stars, raising horses"
            ),
        ),
        Attribute(
            "collection",
            "collection",
            (
                "{s} collects {v}",
                "{p} shelves are full of {v}",
                "{p} collection is one of {v}",
                "{s} cannot walk past {v}",
            ),
            _words(
                "old keys, brass buttons, painted shells, bird feathers, wooden spoons, glass "
                "beads, old maps, small bells, dried flowers, round stones"
            ),
        ),
    ),
)

ANIMAL = Kind(
    "animal",
    "animals",
    60,
    "the ",
    (
        _words("olli, brem, grum, tav, snor, whil, pog, yeb, fiz, mub, drin, quob"),
        _words("ba, do, ki, lo, nu, ra, ve, zi"),
        _words("vet, lock, mer, nax, pin, rill, tow, wick"),
    ),
    (
        Attribute(
            "habitat",
            "habitat",
            (
                "{s} lives in the {v}",
                "{p} habitat is the {v}",
                "{s} is found in the {v}",
                "{s} makes a home in the {v}",
            ),
            _words(
                "reed beds, pine woods, salt marshes, high meadows, stony hills, river caves, "
                "oak forests, sand dunes, old orchards, deep bogs"
            ),
        ),
        Attribute(
            "food",
            "food",
            (
                "{p} food is {v}",
                "{s} eats {v}",
                "{s} feeds on {v}",
                "{s} spends the day looking for {v}",
            ),
            _words(
                "clover, snails, acorns, beetles, wild berries, small fish, tree bark, moss, "
                "earthworms, grass seeds, mushrooms, frogs"
            ),
        ),
        Attribute(
            "fur",
            "fur colour",
            (
                "{p} fur is {v}",
                "{s} has {v} fur",
                "{s} is covered in {v} fur",
                "{p} fur colour is {v}",
            ),
            COLOURS,
        ),
        Attribute(
            "weight",
            "weight in pounds",
            (
                "{p} weight in pounds is {v}",
                "{s} weighs {v} pounds",
                "{s} reaches a weight of {v} pounds",
                "{s} brings {v} pounds to the scales",
            ),
            _numbers(2, 60, 3),
            comparative="{a} is {d} pounds heavier than {b}",
            total="together they weigh {t} pounds",
            order="from the lightest to the heaviest",
        ),
        Attribute(
            "young",
            "number of young",
            (
                "{p} number of young is {v}",
                "{s} raises {v} young each year",
                "{s} has {v} young at a time",
                "{p} nest holds {v} young",
            ),
            _numbers(2, 14),
            comparative="{a} raises {d} more young than {b}",
            total="together they raise {t} young",
            order="from the fewest to the most young",
        ),
        Attribute(
            "waking",
            "waking time",
            (
                "{s} is awake at {v}",
                "{p} waking time is {v}",
                "{s} leaves the nest at {v}",
                "{p} day begins at {v}",
            ),
            _words("dawn, noon, dusk, midnight, sunset, moonrise"),
        ),
        Attribute(
            "call",
            "call",
            (
                "{p} call is a {v}",
                "{s} calls with a {v}",
                "{p} voice is a {v}",
                "{s} greets others with a {v}",
            ),
            _words(
                "low hum, sharp whistle, soft click, deep growl, long trill, short bark, "
                "dry rattle, high squeak"
            ),
        ),
        Attribute(
            "enemy",
            "enemy",
            (
                "{p} enemy is the {v}",
                "{s} hides from the {v}",
                "{s} is hunted by the {v}",
                "{p} greatest danger is the {v}",
            ),
            _words(
                "grey hawk, marsh cat, river pike, night owl, red fox, tree snake, snow wolf, "
                "hill badger"
            ),
        ),
        Attribute(
            "bed",
            "sleeping place",
            (
                "{s} sleeps in a {v}",
                "{p} sleeping place is a {v}",
                "{s} rests in a {v}",
                "{p} bed is a {v}",
            ),
            _words(
                "hollow log, pile of leaves, clay burrow, ball of grass, tree fork, rock crack, "
                "floating nest, mossy hole"
            ),
        ),
        Attribute(
            "tail",
            "tail",
            (
                "{p} tail is {v}",
                "{s} has a {v} tail",
                "{s} carries a {v} tail",
                "{s} is known by a {v} tail",
            ),
            _words("short, ringed, bushy, forked, curly, flat, spotted, feathered"),
        ),
        Attribute(
            "lifespan",
            "life span in years",
            (
                "{p} life span in years is {v}",
                "{s} lives for {v} years",
                "{p} life lasts {v} years",
                "{s} reaches an age of {v} years",
            ),
            _numbers(3, 40, 2),
            comparative="{a} lives {d} years longer than {b}",
            order="from the shortest to the longest life",
        ),
        Attribute(
            "gift",
            "gift to people",
            (
                "{p} gift to people is {v}",
                "{s} is kept for {v}",
                "{s} gives people {v}",
                "{s} is valued for {v}",
            ),
            _words(
                "soft wool, sweet milk, candle wax, good company, strong glue, blue dye, "
                "clean fields, fine quills"
            ),
        ),
    ),
)

CRAFT = Kind(
    "craft",
    "crafts",
    60,
    "the ",
    (
        _words("dor, pell, harn, skel, lum, brac, tind, cael, mord, vash, ruk, nemb"),
        _words("a, di, fo, gu, he, ly, mo, nu"),
        _words("rel, ssin, ttle, mmon, ndle, cket, lge, pper"),
    ),
    (
        Attribute(
            "material",
            "material",
            (
                "{s} is made of {v}",
                "{p} material is {v}",
                "{s} is cut from {v}",
                "{s} is shaped out of {v}",
            ),
            _words(
                "beech wood, soft leather, red clay, thin copper, woven straw, blown glass, "
                "carved bone, grey wool, polished horn, cast iron"
            ),
        ),
        Attribute(
            "origin",
            "town of origin",
            (
                "{s} comes from {v}",
                "{s} was first made in {v}",
                "{p} town of origin is {v}",
                "{p} oldest workshop is in {v}",
            ),
            refers_to="town",
        ),
        Attribute(
            "price",
            "price in coins",
            (
                "{p} price in coins is {v}",
                "{s} costs {v} coins",
                "{s} sells for {v} coins",
                "{s} is worth {v} coins",
            ),
            _numbers(3, 60, 3),
            comparative="{a} costs {d} coins more than {b}",
            total="together they cost {t} coins",
            order="from the cheapest to the dearest",
        ),
        Attribute(
            "days",
            "making time in days",
            (
                "{p} making time in days is {v}",
                "{s} takes {v} days to make",
                "{s} is finished in {v} days",
                "{s} needs {v} days in the workshop",
            ),
            _numbers(2, 30, 2),
            comparative="{a} takes {d} days longer than {b}",
            total="together they take {t} days",
            order="from the quickest to the slowest to make",
        ),
        Attribute(
            "use",
            "use",
            (
                "{s} is used for {v}",
                "{p} use is {v}",
                "{s} serves for {v}",
                "{s} is handy for {v}",
            ),
            _words(
                "carrying water, measuring salt, calling sheep, telling time, drying herbs, "
                "holding candles, pressing cheese, sorting seeds, mending nets, keeping letters"
            ),
        ),
        Attribute(
            "colour",
            "colour",
            (
                "{p} colour is {v}",
                "{s} is painted {v}",
                "{s} always comes in {v}",
                "{s} shines in {v}",
            ),
            COLOURS,
        ),
        Attribute(
            "pattern",
            "pattern",
            (
                "{p} pattern is one of {v}",
                "{s} is decorated with {v}",
                "{s} carries a row of {v}",
                "{s} is covered with {v}",
            ),
            _words("stars, waves, leaves, fishes, circles, feathers, ladders, suns, keys, vines"),
        ),
        Attribute(
            "inventor",
            "inventor",
            (
                "{s} was invented by {v}",
                "{p} inventor is {v}",
                "{s} was first drawn by {v}",
                "{s} was thought of by {v}",
            ),
            refers_to="person",
        ),
        Attribute(
            "length",
            "length in hands",
            (
                "{p} length in hands is {v}",
                "{s} is {v} hands long",
                "{s} measures {v} hands",
                "{s} has a length of {v} hands",
            ),
            _numbers(2, 20),
            comparative="{a} is {d} hands longer than {b}",
            total="together they measure {t} hands",
            order="from the shortest to the longest",
        ),
        Attribute(
            "store",
            "storing place",
            (
                "{s} is kept in a {v}",
                "{p} storing place is a {v}",
                "{s} is put away in a {v}",
                "{s} belongs in a {v}",
            ),
            _words(
                "wooden chest, linen bag, dry cellar, tin box, kitchen drawer, wall niche, "
                "wicker basket, high cupboard"
            ),
        ),
        Attribute(
            "smell",
            "smell",
            (
                "{s} smells of {v}",
                "{p} smell is that of {v}",
                "{s} gives off a smell of {v}",
                "{s} has the smell of {v}",
            ),
            _words("cedar, honey, smoke, roses, tar, fresh bread, rain, pepper, lemons, hay"),
        ),
        Attribute(
            "occasion",
            "giving occasion",
            (
                "{s} is given at a {v}",
                "{p} giving occasion is a {v}",
                "{s} is the right gift for a {v}",
                "{s} is handed over at a {v}",
            ),
            _words(
                "wedding, birthday, farewell, naming day, harvest dance, house warming, "
                "first journey, silver jubilee"
            ),
        ),
    ),
)

KINDS = (TOWN, PERSON, ANIMAL, CRAFT)
