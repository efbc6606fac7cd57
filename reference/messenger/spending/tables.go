package spending

// codeRange is a range of merchant category codes, both ends in it.
type codeRange struct {
	from, to int
	category Category
}

// codes are ISO 18245's merchant category codes by kind. The first range that has a
// code decides, so exceptions stand before the range they are in.
func codes() []codeRange {
	return []codeRange{
		{3000, 3350, Travel},    // airlines
		{3351, 3500, Transport}, // car hire
		{3501, 3999, Travel},    // hotels
		{4011, 4131, Transport}, // railways, ambulances, taxis, buses
		{4411, 4411, Travel},    // cruises
		{4511, 4511, Travel},
		{4582, 4582, Travel},
		{4722, 4723, Travel},
		{4784, 4789, Transport}, // tolls
		{4812, 4821, Utilities}, // telephone
		{4829, 4829, Transfers},
		{4899, 4899, Entertainment}, // pay television, streaming
		{4900, 4900, Utilities},
		{5200, 5261, Home}, // building materials, hardware, garden
		{5411, 5499, Food},
		{5511, 5599, Transport}, // cars, parts, fuel
		{5611, 5699, Clothes},
		{5712, 5722, Home},
		{5734, 5734, Software},
		{5811, 5814, Restaurants},
		{5815, 5816, Entertainment},
		{5817, 5818, Software},
		{5912, 5912, Health},
		{5921, 5921, Food},
		{5940, 5941, Entertainment},
		{5942, 5943, Education}, // books, stationery
		{5960, 5960, Insurance},
		{5975, 5976, Health},
		{5977, 5977, Health},
		{5983, 5983, Utilities},
		{5300, 5399, Shopping},
		{5732, 5733, Shopping},
		{5900, 5999, Shopping},
		{6010, 6011, Cash},
		{6012, 6012, Loans},
		{6300, 6399, Insurance},
		{6513, 6513, Home}, // rent
		{6536, 6540, Transfers},
		{7011, 7033, Travel},
		{7210, 7217, Home}, // laundry, carpets
		{7230, 7230, Health},
		{7297, 7298, Health},
		{7372, 7372, Software},
		{7512, 7549, Transport}, // hire, parking, garages
		{7622, 7641, Home},
		{7829, 7999, Entertainment},
		{8011, 8099, Health},
		{8211, 8299, Education},
		{9211, 9405, State},
	}
}

// wordsOf are words of merchants and statements that say what was bought. A star
// stands for any ending.
type wordsOf struct {
	category Category
	words    string
}

// knownWords are looked for from top to bottom; the first kind with a word decides.
func knownWords() []wordsOf {
	return []wordsOf{
		{Insurance, "insurance, insurances, assurance, draudim*"},
		{Loans, "loan, mortgage, paskol*"},
		{Transport, "taxi*, uber, bolt, trainline, gwr, railway*, rlywy, trains, rail, bus, oxfordbus, transit, parking, car park*, car pa, car p, " +
			"p ride, toll, fuel, petrol, circle k, orlen, viada, shell, esso, train tickets, ticket office, chilternrailways, " +
			"dsa theory test, autobus*, traukin*, ltg link, degalin*, vilniaus viesasis"},
		{Travel, "travelodg*, premier inn, hilton, hotel*, hostel, airbnb, booking com, ryanair, airbaltic, wizz, easyjet, airways, airlines, viesbut*"},
		{Software, "adobe, github*, hosting, linkedin, surveymonkey, hotjar, rapidspike, mailclarkai, insightly, microsoft, google, dropbox"},
		{Utilities, "thames water, water, electricity, energy, telecom, telia, tele2, bite, vodafone, ignitis, elektr*, vandenys, sgn, british gas, internet"},
		{Restaurants, "restaurant*, cafe, caffe, coffee, starbucks, costa, pizza, dominos, mcdonald*, mcdonalds, kfc, bakery, paul uk, pub, " +
			"deliveroo, wolt, restoran*, kavin*, picerij*"},
		{Food, "food, groceries, grocery, supermarket, sainsburys, tesco, waitrose, co operative food, lidl, aldi, asda, morrisons, iceland, marks spencer, " +
			"maxima, iki, rimi, norfa, maisto, maistas"},
		{Health, "pharmacy, boots, dentist*, dental, doctor, clinic, hospital, optician*, vaistin*, klinik*, odontolog*"},
		{Clothes, "primark, clothing, clothes, shoes, zara, h m, go outdoors, drabuz*, avalyn*"},
		{Home, "household, rent, furniture, furnish*, carpet*, homebase, wickes, screwfix, toolstation, jewson, buildbase, travis perkins, robert dya*, " +
			"plumbing, glazing, electrical, locks, ikea, senukai, baldai, nuoma, bust*"},
		{Education, "school*, university, college, institute*, training, books, course, mokykl*, universitet*, knyg*"},
		{Entertainment, "netflix, spotify, cinema, theatre, concert*, museum, steam, playstation, tv licens*, tvlicensing, kinas, teatr*, muziej*"},
		{State, "gov uk, land registry, council, companies house, possessionclaim go, hmrc, hmcts*, tax, vmi, sodra, mokesc*"},
		{Shopping, "amazon, argos, wilko, poundland, currys, ebuyer, ryman, wh smith, paperchase, viking direct, ao retail, timpson, dell, post office, postoffice, " +
			"ebay, pigu, varle, lidl com"},
		{Fees, "fee, commission, komisin*, mokestis uz"},
	}
}
