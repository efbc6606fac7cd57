package messenger

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"golang.org/x/text/language"
)

//go:embed texts.json
var textTable []byte

// languages are those the texts are in; the first is for whoever wants another.
func languages() []string { return []string{"en", "lt"} }

// texts are the messenger's words: by name, then by language.
type texts map[string]map[string]string

func readTexts() (texts, error) {
	t := texts{}
	if err := json.Unmarshal(textTable, &t); err != nil {
		return nil, fmt.Errorf("read table: %w", err)
	}
	for key, said := range t {
		for _, l := range languages() {
			if said[l] == "" {
				return nil, fmt.Errorf("the text %q is not in %s", key, l) //nolint:err113 // the table is ours
			}
		}
	}
	return t, nil
}

// say is a text with its gaps filled. An argument that is the name of a text is that
// text. An unknown name is itself.
func (t texts) say(lang, key string, args ...string) string {
	text, known := t[key][lang]
	if !known {
		return key
	}
	var gaps []string
	for i, a := range args {
		if said, is := t[a][lang]; is {
			a = said
		}
		gaps = append(gaps, "{"+strconv.Itoa(i+1)+"}", a)
	}
	return strings.NewReplacer(gaps...).Replace(text)
}

const languageCookie = "language"

// language is what the customer chose, or what his browser asks for.
func (m *Messenger) language(r *http.Request) string {
	chosen := r.URL.Query().Get("lang")
	if c, err := r.Cookie(languageCookie); err == nil && chosen == "" {
		chosen = c.Value
	}
	for _, l := range languages() {
		if chosen == l {
			return l
		}
	}
	var known []language.Tag
	for _, l := range languages() {
		known = append(known, language.Make(l))
	}
	wanted, _, err := language.ParseAcceptLanguage(r.Header.Get("Accept-Language"))
	if err != nil {
		return languages()[0]
	}
	_, i, _ := language.NewMatcher(known).Match(wanted...)
	return languages()[i]
}

// remember keeps a language that was chosen on this page.
func (m *Messenger) remember(w http.ResponseWriter, r *http.Request, lang string) {
	if r.URL.Query().Get("lang") != lang {
		return
	}
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // it says a language and nothing else
		Name: languageCookie, Value: lang, Path: "/", MaxAge: int(personLife.Seconds()), HttpOnly: true, SameSite: http.SameSiteLaxMode,
		Secure: strings.HasPrefix(m.config.URL, "https:"),
	})
}
