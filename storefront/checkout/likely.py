"""Mistakes in an e-mail address that people often make: the domain that they probably meant."""

# The field in which the shopper takes the address that was offered.
MEANT = "use_email"
# Where most private mail lives. Those that are spelled alike are all here, so that none is taken for another's typo.
DOMAINS = (
    "gmail.com googlemail.com hotmail.com hotmail.co.uk hotmail.de hotmail.fr hotmail.it hotmail.es "
    "outlook.com outlook.de outlook.fr outlook.it outlook.es live.com live.de live.fr live.co.uk "
    "live.nl msn.com yahoo.com yahoo.de yahoo.fr yahoo.it yahoo.es yahoo.co.uk yahoo.co.jp yahoo.ca "
    "yahoo.com.br yahoo.in ymail.com rocketmail.com aol.com aol.de icloud.com me.com mac.com mail.com "
    "email.com gmx.de gmx.net gmx.com gmx.at gmx.ch web.de t-online.de freenet.de posteo.de "
    "mailbox.org proton.me protonmail.com pm.me fastmail.com hey.com zoho.com comcast.net verizon.net "
    "att.net sbcglobal.net btinternet.com sky.com orange.fr wanadoo.fr free.fr laposte.net sfr.fr "
    "libero.it virgilio.it tin.it alice.it bluewin.ch ziggo.nl kpnmail.nl telenet.be skynet.be "
    "seznam.cz wp.pl o2.pl onet.pl interia.pl qq.com 163.com"
).split()
KNOWN = frozenset(DOMAINS)
# In a short name one letter makes another name, so it must be closer to be a mistake.
SHORT = 7


def meant_address(email: str) -> str:
    """The address that `email` is probably a typo of; empty when nothing is wrong with it that we could see."""
    local, _at, domain = email.rpartition("@")
    domain = domain.lower()
    if not local or not domain or domain in KNOWN:
        return ""
    likely = min(DOMAINS, key=lambda known: _distance(domain, known))
    most = 1 if min(len(likely), len(domain)) <= SHORT else 2
    return f"{local}@{likely}" if _distance(domain, likely) <= most else ""


def _distance(domain: str, known: str) -> int:
    from rapidfuzz.distance import DamerauLevenshtein

    return int(DamerauLevenshtein.distance(domain, known, score_cutoff=2))
