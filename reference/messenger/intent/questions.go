package intent

// trouble is what turns a question of the messenger's into one about something that
// went wrong, or about what the bank offers.
const trouble = "not, isnt, hasnt, doesnt, dont, didnt, wasnt, arent, havent, cant, wont, why, wrong, missing, fee, fees, charge*, extra, twice, double*, " +
	"pending, declin*, reject*, fail*, revert*, disappear*, stolen, lost, recogni*, unknown, strange, weird, problem, limit*, exchange, currency, currencies, " +
	"cost, costs, top, topup, topping, atm, cheque, check that, refund*, cancel*, update*, deposit*, receive*, send, long, when, " +
	"kodel, nera, neatejo, neatsirad*, negal*, nepavyk*, nepavyko, atmet*, mokest*, dukart, vogt*, pamec*, pames*, limit*, valiut*, grazin*"

// sharing: questions about what is shared, and its end.
func sharing() []rule {
	return []rule{
		{StopSharing, []string{
			"stop, end, withdraw, revoke, cancel, disconnect, remove, delete, narrow, turn off",
			"sharing, share, consent, consents, permission, permissions, data, my access, your access",
		}, "card, transfer, payment, why, fee, cant, personal, address, details"},
		{StopSharing, []string{
			"nustok*, nebesidalin*, atsauk*, nutrauk*, sustabdyk*, stabdyk*, atjunk*, atjung*, nebenoriu, baik*, istrin*, panaikin*",
			"dalin*, dalyt*, sutikim*, duomen*, prieig*, dalij*, dalinim*",
		}, "korte*, pervedim*, mokejim*, kodel"},
		{StopSharing, []string{"nebesidalin*, nebenoriu dalintis, nesidalin*"}, "korte*"},
		{WhatIsShared, []string{
			"what, which, show, see, who, list, with whom",
			"i share, i shared, sharing, shared, do i share, am i sharing, consents, consent, permissions, do you know about me, do you have about me, " +
				"do you hold, do you keep, do you store, you know about me, my data",
		}, "card, payment, transfer, why, fee, identity, verif*, personal, money"},
		{WhatIsShared, []string{
			"ka, kuo, kokiais, kokie, kokius, kas, kam, rodyk, parodyk, su kuo",
			"dalinuosi, dalijuosi, dalinamasi, bendrinu, sutikim*, duomen*, apie mane",
		}, "korte*, mokejim*, pervedim*, kodel, asmen*"},
	}
}

// talking: questions about somebody at the bank.
func talking() []rule {
	return []rule{
		{TalkToBank, []string{
			"talk, speak, chat, write, message, contact, connect, reach, human, get hold",
			"bank, agent, human, person, someone, somebody, representative, adviser, advisor, operator, employee, staff, customer service, support, people",
		}, "card, transfer*, account number, top"},
		{TalkToBank, []string{"want a human, need a human, real person, live agent, human please, customer service, customer support"}, "card, top, why"},
		{TalkToBank, []string{
			"kalbet*, pakalbet*, pasikalbet*, susisiek*, rasyt*, parasyt*, susirasin*, sujun*, reikia, noriu, pakvies*, klausim*",
			"bank*, darbuotoj*, zmogum*, zmogaus, konsultant*, agent*, vadybinink*, specialist*",
		}, "korte*, pervest*, saskait*, islei*, mokejim*"},
	}
}

// amounts: questions about what there is, and what was spent.
func amounts() []rule {
	return []rule{
		{Spending, []string{
			"spend, spent, spending, spendings, expenses, expense, expenditure, pay for, paid for",
			"what, how much, show, my, where, did i, have i, on, total, this, last, sum",
		}, trouble + ", can, could, able, cash out, abroad, buy, need, transfer"},
		{Spending, []string{"spending, spendings, expenses"}, trouble + ", can, could"},
		{Spending, []string{"islei*, islaid*, praleid*"}, trouble},
		{
			Balance,
			[]string{"how much", "i have, do i have, is left, i got, ive got, have i got, left, is there, is in my, in my account, in my accounts, in total, my money"},
			trouble + ", spend, spent, transfer*, pay, paid, withdraw*, time, to have, interest, cash, charged",
		},
		{
			Balance,
			[]string{"balance, balances", "what, whats, show, my, see, current, all, total, is, available, please, check"},
			trouble + ", transfer*, card, still, same, added, correct, withdraw*, how do i, after, changed, money, negative, increase*, show up, reflect*, transaction*, transferred, less, thought, error, new, mistake*, incorrect",
		},
		{Balance, []string{"^balance $, ^balances $, ^my balance $, ^account balance $"}, ""},
		{Balance, []string{"kiek", "turiu, liko, pinig*, saskaitoje, saskaitose, yra"}, trouble + ", islei*, islaid*, kainuoj*, uztrunk*, laik*, dien*, pervest*"},
		{Balance, []string{"likut*, balans*"}, trouble},
	}
}

// movements: questions about lists of payments.
func movements() []rule {
	return []rule{
		{CardPayments, []string{
			"last, latest, recent, recently, show, list, what are my, see my, what did i",
			"card payments, card payment, card purchases, card transactions, card transaction, payments by card, payment by card, paid by card, pay by card, pay with my card, paid with my card, purchases, bought, buy with my card, i buy",
		}, trouble + ", how, new, order, virtual, disposable, other, unauthori*, can, use, deduct*, from, a card payment, returned, should, approve*, went"},
		{CardPayments, []string{"mokejim*, operacij*, pirkin*, mokejau, pirkau, atsiskait*", "kortel*, pirkin*, pirkau"}, trouble + ", kaip, nauj* kortel*, ne mano"},
		{CardPayments, []string{"^card payments $, ^my card payments $, ^card purchases $, ^my purchases $, ^purchases $, ^pirkiniai $"}, ""},
		{Payments, []string{
			"last, latest, recent, show, list, what are my, see my",
			"transactions, payments, transaction, payment, transfers, statement, movements, operations",
		}, trouble + ", card, how, other, unauthori*, cash, a payment, a transaction, transfer, identif*, can, should, deduct*, someone, been, did, made, make, went, through, direct debit, was, is, has, on my, need, want to, get, got, id, keep*, help, please tell, track*, verif*, source, dispute, request*, as, ask, returned, approve*, confirm*, undo, stop, times, waiting, options"},
		{Payments, []string{"^transactions $, ^my transactions $, ^payments $, ^my payments $, ^statement $, ^my statement $"}, ""},
		{Payments, []string{"paskutin*, pastar*, naujausi*, parodyk*, rodyk*, kokie, kokios, mano", "mokejim*, operacij*, pervedim*, isras*, transakcij*"}, trouble + ", kortel*, kaip, ne mano"},
	}
}

// helping: questions about what can be asked, and greetings.
func helping() []rule {
	return []rule{
		{Help, []string{
			"^help $, ^help me $, ^please help $, ^what can you do, ^what can i ask, ^what do you do $, ^what can i do here, ^what can you help, ^how do you work $, ^how does this work $, " +
				"^hi $, ^hello $, ^hey $, ^hi there $, ^hello there $, ^good morning $, ^good evening $, ^menu $, ^start $, " +
				"^pagalba $, ^padek $, ^padekit $, ^padekite $, ^ka moki $, ^ka tu moki $, ^ka gali $, ^ka tu gali $, ^ko galiu paklausti $, ^ko galiu klausti $, ^ka galiu paklausti $, ^labas $, ^sveiki $, ^sveikas $, ^laba diena $",
		}, ""},
	}
}
