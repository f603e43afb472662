"""Words that made-up people, homes and employers are put together from."""

# fmt: off
WOMEN = (
    "Anna", "Eva", "Maria", "Karin", "Sara", "Emma", "Lena", "Åsa", "Märta", "Görel", "Ingrid", "Elsa",
    "Alva", "Ebba", "Wilma", "Fatima", "Leila", "Zahra", "Amina", "Hana", "Birgitta", "Kerstin",
    "Marianne", "Margareta", "Ulla", "Monica", "Gunilla", "Josefin", "Ida", "Linnéa", "Agnes", "Saga",
    "Tuva", "Siv", "Britt-Marie", "Olena",
)
MEN = (
    "Lars", "Anders", "Erik", "Johan", "Karl", "Per", "Nils", "Björn", "Göran", "Håkan", "Mikael",
    "Jan", "Sven", "Åke", "Östen", "Ahmed", "Ali", "Omar", "Hassan", "Yusuf", "Gunnar", "Bo", "Ulf",
    "Leif", "Stig", "Kjell", "Oskar", "William", "Liam", "Hugo", "Elias", "Adam", "Noah", "Axel",
    "Jean-Pierre", "Andrzej",
)
SURNAMES = (
    "Andersson", "Johansson", "Karlsson", "Nilsson", "Eriksson", "Larsson", "Olsson", "Persson",
    "Svensson", "Gustafsson", "Pettersson", "Jonsson", "Lindström", "Lindqvist", "Bergström", "Sjöberg",
    "Åkesson", "Ångström", "Öberg", "Söderlund", "Holmgren", "Dahlbäck", "Nyström", "Wallén",
    "O'Connor", "D'Angelo", "Haddad", "Hussein", "Mohamed", "Nguyen", "Kowalski", "Petrović", "Yılmaz",
    "Hernández", "Björklund-Falk", "Sandström", "Blomqvist", "Norén", "Kjellberg", "Hellström",
)
STREETS = (
    "Storgatan", "Kyrkogatan", "Skolgatan", "Ängsvägen", "Björkstigen", "Åvägen", "Östra Långgatan",
    "Källgränd", "Industrivägen",
)
EMPLOYERS = (
    "Bygg & Betong i Åre AB", "Kommunernas Hemtjänst", "Åhléns Lager", "Ellen's Café & Bageri",
    "Skånes Frukt HB", "Region Örebro län", "Nordisk Frakt AB",
)
TOWNS = (  # first digits of the postcode, town, county code, municipality code
    ("11", "80", "Stockholm", "01", "80"),
    ("41", "10", "Göteborg", "14", "80"),
    ("21", "15", "Malmö", "12", "80"),
    ("97", "31", "Luleå", "25", "80"),
    ("83", "13", "Östersund", "23", "80"),
    ("70", "22", "Örebro", "18", "80"),
    ("39", "12", "Kalmar", "08", "80"),
    ("82", "40", "Hudiksvall", "21", "84"),
    ("29", "43", "Sölvesborg", "10", "83"),
)
# fmt: on
