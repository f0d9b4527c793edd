"""Word lists for made-up records. Names with accents, apostrophes and ampersands are there on purpose."""

from typing import Final

FIRST_NAMES: Final = (
    "Amara", "Anna", "Björn", "Carlos", "Chiara", "Daniel", "Dmitri", "Elena", "Emeka", "Farid", "Fatima", "Freya",
    "Grace", "Hannah", "Hiroshi", "Ines", "Ivan", "Jamal", "Jana", "José", "Julia", "Kofi", "Lars", "Leila", "Lin", "Lucía",
    "Magda", "Marcus", "Mei", "Mikael", "Nadia", "Niamh", "Noah", "Olga", "Oscar", "Priya", "Quentin", "Rahul", "Renée",
    "Rosa", "Samuel", "Sofia", "Tariq", "Theo", "Uma", "Victor", "Wanda", "Xavier", "Yara", "Zoë",
)  # fmt: skip

LAST_NAMES: Final = (
    "Adeyemi", "Andersson", "Bianchi", "Brown", "Carter", "Chen", "Costa", "D'Angelo", "Dubois", "Eriksen", "Fischer",
    "García", "Haddad", "Hansen", "Iyer", "Jansen", "Kaya", "Kovács", "Kowalski", "Larsen", "Lefèvre", "Mbeki", "Meyer",
    "Moreau", "Müller", "Nakamura", "Nguyen", "Novák", "O'Brien", "Okafor", "Olsen", "Patel", "Petrov", "Quinn", "Rossi",
    "Santos", "Schmidt", "Sharma", "Silva", "Smith-Jones", "Suzuki", "Tanaka", "van der Berg", "Vargas", "Walker", "Weber",
    "Wójcik", "Yilmaz", "Zhang", "Zimmermann",
)  # fmt: skip

COMPANY_HEADS: Final = (
    "Alder", "Amber", "Aurora", "Beacon", "Birch", "Blue Harbour", "Bright", "Cedar", "Clearwater", "Cobalt", "Copper",
    "Delta", "Ember", "Evergreen", "Falcon", "Fjord", "Granite", "Harbour", "Helios", "Indigo", "Ivory", "Juniper", "Kestrel",
    "Lantern", "Lumen", "Maple", "Meridian", "Nimbus", "North", "Nova", "Oak", "Onyx", "Orchard", "Pioneer", "Polar", "Quartz",
    "Redwood", "River", "Saffron", "Silver", "Solstice", "Summit", "Tidal", "Umbra", "Vertex", "Violet", "Willow", "Zephyr",
)  # fmt: skip

COMPANY_TAILS: Final = (
    "Analytics", "Biotech", "Capital", "Consulting", "Design", "Energy", "Foods", "Freight", "Health", "Insurance",
    "Logistics", "Media", "Motors", "Optics", "Partners", "Pharma", "Robotics", "Software", "Studios", "Systems", "Textiles",
    "Travel", "& Sons", "Wörks",
)  # fmt: skip

INDUSTRIES: Final = (
    "Software", "Manufacturing", "Healthcare", "Finance", "Retail", "Logistics", "Media", "Energy", "Education", "Travel",
)  # fmt: skip

JOB_TITLES: Final = (
    "CEO", "CTO", "CFO", "Head of Operations", "Head of IT", "Procurement Manager", "Product Manager", "Office Manager",
    "Sales Director", "Data Engineer", "Customer Success Lead", "Buyer",
)  # fmt: skip

CITIES: Final = (
    "Berlin, Germany", "Lyon, France", "Porto, Portugal", "Leeds, United Kingdom", "Austin, United States",
    "Toronto, Canada", "Nairobi, Kenya", "Osaka, Japan", "Pune, India", "São Paulo, Brazil", "Malmö, Sweden",
    "Gdańsk, Poland",
)  # fmt: skip

DEAL_THINGS: Final = (
    "annual licence", "pilot", "renewal", "expansion", "onboarding package", "support plan", "migration", "training days",
    "integration", "upgrade",
)  # fmt: skip

SUBJECTS: Final = (
    ("call", "Discovery call", "Talked through their process and the two systems they would replace."),
    ("call", "Follow-up call", "They compare us with one other vendor and decide by the end of the quarter."),
    ("call", "Pricing call", "Asked for a three-year price and monthly invoices."),
    ("meeting", "Kick-off", "Agreed on the scope, the people involved and the next date."),
    ("meeting", "Quarterly review", "Usage is up; two more teams want to join."),
    ("email", "Sent the proposal", "Proposal with both options sent, answer expected next week."),
)  # fmt: skip
