package web

import (
	"embed"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

//go:embed catalog
var catalogFiles embed.FS

const languageCookie = "__Host-sluice_language"

// languages are those of the catalogues; the first is for everybody else.
func languages() []language.Tag { return []language.Tag{language.English, language.Lithuanian} }

// speech is how the pages speak one language.
type speech struct {
	tag       string
	localizer *i18n.Localizer
	numbers   *message.Printer
	zone      *time.Location
}

func speeches(zone *time.Location) (map[string]*speech, error) {
	bundle := i18n.NewBundle(language.English)
	bundle.RegisterUnmarshalFunc("json", json.Unmarshal)
	for _, tag := range languages() {
		if _, err := bundle.LoadMessageFileFS(catalogFiles, "catalog/"+tag.String()+".json"); err != nil {
			return nil, fmt.Errorf("read catalogue %s: %w", tag, err)
		}
	}
	out := map[string]*speech{}
	for _, tag := range languages() {
		out[tag.String()] = &speech{
			tag: tag.String(), localizer: i18n.NewLocalizer(bundle, tag.String()),
			numbers: message.NewPrinter(tag), zone: zone,
		}
	}
	return out, nil
}

// say is a message; pairs are names and values of what stands in it.
func (s *speech) say(key string, pairs ...any) string {
	return s.localize(&i18n.LocalizeConfig{MessageID: key, TemplateData: s.data(pairs)})
}

// count is a message that depends on a number, which stands in it as Count.
func (s *speech) count(key string, n int, pairs ...any) string {
	data := s.data(pairs)
	data["Count"] = s.number(n)
	return s.localize(&i18n.LocalizeConfig{MessageID: key, PluralCount: n, TemplateData: data})
}

func (s *speech) data(pairs []any) map[string]any {
	data := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		name, _ := pairs[i].(string)
		switch value := pairs[i+1].(type) {
		case foreign:
			data[name] = apart(value.Text)
		case string:
			data[name] = apart(value)
		case int:
			data[name] = s.number(value)
		default:
			data[name] = value
		}
	}
	return data
}

// localize answers the key itself for a message that there is not: a test sees
// to it that there are all.
func (s *speech) localize(c *i18n.LocalizeConfig) string {
	text, err := s.localizer.Localize(c)
	if err != nil {
		return c.MessageID
	}
	return text
}

func (s *speech) number(n int) string { return s.numbers.Sprint(n) }

// date is a calendar day, e.g. "24 November 2026" or "2026 m. lapkričio 24 d.".
func (s *speech) date(t time.Time) string { return s.day(t.In(s.zone)) }

// day is date for a day of the record, which has no zone.
func (s *speech) day(t time.Time) string {
	month := s.say("month." + strconv.Itoa(int(t.Month())))
	return s.say("date", "Day", strconv.Itoa(t.Day()), "Month", month, "Year", strconv.Itoa(t.Year()))
}

// clock is the time of day to the second, without the zone.
func (s *speech) clock(t time.Time) string { return t.In(s.zone).Format(time.TimeOnly) }

// moment is a day and a time of day, with the zone.
func (s *speech) moment(t time.Time) string {
	return s.date(t) + ", " + t.In(s.zone).Format("15:04 MST")
}

// list joins words by commas.
func (s *speech) list(words []string) string { return strings.Join(words, ", ") }

// language is the visitor's: chosen here, else as the app that sent them or the
// browser says.
func (v *visit) language() string {
	var wished []string
	if c, err := v.r.Cookie(languageCookie); err == nil {
		wished = append(wished, c.Value)
	}
	wished = append(wished, strings.Fields(v.r.URL.Query().Get("ui_locales"))...)
	return match(append(wished, v.r.Header.Get("Accept-Language"))...)
}

// match finds the first language of ours in wishes, each an Accept-Language list.
func match(wishes ...string) string {
	for _, wish := range wishes {
		if len(wish) > 200 {
			continue
		}
		tags, _, err := language.ParseAcceptLanguage(wish)
		if err != nil || len(tags) == 0 {
			continue
		}
		if _, i, sure := language.NewMatcher(languages()).Match(tags...); sure > language.No {
			return languages()[i].String()
		}
	}
	return languages()[0].String()
}

// switched answers a request to speak another language: it notes it and sends
// the browser to the same page.
func (v *visit) switched() bool {
	query := v.r.URL.Query()
	chosen := query.Get("lang")
	if chosen == "" {
		if ui := query.Get("ui_locales"); ui != "" {
			if _, err := v.r.Cookie(languageCookie); err != nil {
				v.setCookie(languageCookie, v.words.tag, 0)
			}
		}
		return false
	}
	if v.r.Method != http.MethodGet || v.speech[chosen] == nil {
		return false
	}
	v.setCookie(languageCookie, chosen, int((365 * 24 * time.Hour).Seconds()))
	query.Del("lang")
	to := url.URL{Path: v.r.URL.EscapedPath(), RawQuery: query.Encode()}
	http.Redirect(v.w, v.r, local(to.String()), http.StatusSeeOther)
	return true
}
