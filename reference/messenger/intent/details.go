package intent

import (
	"strconv"
	"strings"
	"time"

	"sluice/reference/messenger/spending"
)

const maxCount = 100

// details are what a question of an intent names besides: days, goods, how many.
func details(i Intent, words []string, now time.Time) Question {
	q := Question{Intent: i}
	switch i {
	case Spending:
		q.Category = string(category(words))
		q.From, q.To = period(words, now)
	case Payments, CardPayments:
		q.Category = string(category(words))
		q.From, q.To = period(words, now)
		q.Count = count(words)
	case Fees, Pending, NotRecognised, ChargedTwice, MissingRefund, MissingMoney, WrongCash, ExchangeRate:
		q.From, q.To = period(words, now)
	default:
	}
	return q
}

// category is the kind of goods a text names.
func category(words []string) spending.Category {
	text := "^" + strings.Join(words, " ") + " $"
	for _, c := range []struct {
		category spending.Category
		words    string
	}{
		{spending.Restaurants, "restaurant*, eating out, cafe*, coffee, takeaway*, dining, restoran*, kavin*, kav*"},
		{spending.Food, "food, groceries, grocery, supermarket*, eat, eating, maist*, valg*, produkt*, bakalej*"},
		{spending.Transport, "transport*, bus, buses, train*, taxi*, fuel, petrol, gas, parking, car, commut*, kur*, degal*, taksi, autobus*, traukin*, stovejim*, masin*"},
		{spending.Travel, "travel*, hotel*, flight*, holiday*, trip*, kelion*, viesbut*, skryd*, atostog*"},
		{spending.Home, "home, house, rent, furniture, household, namams, namai, busta*, nuom*, bald*, remont*"},
		{spending.Utilities, "utilities, utility, electricity, water, heating, phone bill*, internet, bills, komunalin*, elektr*, vanden*, sildym*, telefon*, saskaitoms, internet*"},
		{spending.Clothes, "clothes, clothing, shoes, drabuz*, rub*, avalyn*, bat*"},
		{spending.Health, "health*, pharmacy, medicine*, doctor*, dentist*, sveikat*, vaist*, gydytoj*, odontolog*"},
		{spending.Entertainment, "entertainment, cinema, fun, games, concert*, theatre, streaming, pramog*, kin*, teatr*, koncert*, zaidim*"},
		{spending.Education, "education, school*, books, courses, university, moksl*, mokykl*, knyg*, studij*, kurs*"},
		{spending.Insurance, "insurance, draudim*"},
		{spending.State, "tax, taxes, mokesci*"},
		{spending.Software, "software, subscriptions, apps, program*, prenumerat*"},
		{spending.Cash, "cash, withdrawals, gryn*"},
		{spending.Loans, "loan, loans, mortgage, paskol*"},
		{spending.Fees, "fees, commission*, komisin*"},
		{spending.Transfers, "transfers, pervedim*"},
		{spending.Shopping, "shopping, online, apsipirkim*, pirkin*"},
	} {
		if has(text, c.words) {
			return c.category
		}
	}
	return ""
}

// count is how many somebody wants to see: "last 5 payments", "paskutinis mokėjimas".
func count(words []string) int {
	for i, w := range words {
		if fitsOne(w, "payment, transaction, purchase, mokejima, mokejimas, operacija, operacij, pirkinys, pirkini") && !isNumbered(words, i) {
			if has("^"+strings.Join(words[:i], " ")+" $", "last, latest, paskutin*, naujausi*") {
				return 1
			}
		}
		if n := number(w); n > 0 && n <= maxCount && i+1 < len(words) && !fitsOne(words[i+1], "day, days, week, weeks, month, months, year, years, dien*, savait*, menes*, met*, d") {
			return n
		}
	}
	return 0
}

func isNumbered(words []string, i int) bool {
	for _, w := range words[:i] {
		if number(w) > 0 {
			return true
		}
	}
	return false
}

// number reads a whole number of at most four digits, or a small one in words.
func number(word string) int {
	if n, err := strconv.Atoi(word); err == nil && n > 0 && len(word) <= 4 {
		return n
	}
	for i, names := range [...]string{
		"one, vien*", "two, du, dvi, dviej*", "three, tris, trys, trij*", "four, ketur*", "five, penk*", "six, ses*", "seven, septyn*",
		"eight, astuon*", "nine, devyn*", "ten, desimt*",
	} {
		if fitsOne(word, names) {
			return i + 1
		}
	}
	return 0
}
