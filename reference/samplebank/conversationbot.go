package samplebank

import (
	"strings"
	"unicode"
)

// botName is how the bank's program calls itself. It says that it is one.
const botName = "Automatic assistant"

const (
	botGreeting = "Hello, this is the bank's automatic assistant. I know a few fixed answers and nothing of your account. " +
		"Your message is in the queue of our agents; one of them will answer you here. " +
		"Please never write a password, a PIN or a one-time code."
	botGoesOn = " If that is not what you need: your message is in the queue of our agents all the same."
)

// fact is a fixed answer, given if a message has one of the phrases.
type fact struct {
	phrases []string
	answer  string
}

// facts are those of a bank that is made up, and made up like it.
func facts() []fact {
	return []fact{
		{
			[]string{"opening hours", "opening times", "business hours", "when are you open", "are you open", "darbo laikas", "otevírací doba"},
			"Our agents answer from Monday to Friday, 8:00 to 18:00 in Prague. You can write at any time.",
		},
		{
			[]string{"am i talking to a robot", "are you a robot", "are you a bot", "are you human", "real person", "speak to a human", "talk to an agent", "speak to an agent"},
			"I am a program. A person answers next: all that you write here is in our agents' queue.",
		},
		{
			[]string{"who can read this", "who reads this", "is this chat safe", "is this chat private"},
			"What you write here goes through the app you use to the bank. Our agents read it, and the bank keeps it. " +
				"It ends when you withdraw what you share with the app.",
		},
	}
}

// botAnswer is what the program says to a message; empty: nothing. It greets once,
// gives fixed answers, and is silent as soon as a person has answered.
func botAnswer(c *conversation, text string) string {
	if !c.answered.IsZero() {
		return ""
	}
	said := spaced(text)
	for _, f := range facts() {
		for _, p := range f.phrases {
			if strings.Contains(said, " "+p+" ") {
				return f.answer + botGoesOn
			}
		}
	}
	if len(c.messages) == 1 {
		return botGreeting
	}
	return ""
}

// spaced is a text's words in lower case, with one space around each.
func spaced(text string) string {
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	return " " + strings.Join(words, " ") + " "
}
