package synthetic

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/leadwire/leadwire/actors/identity/graph"
)

// WriteCSV writes the population as the input of a build: persons.csv, companies.csv and networks.csv in a folder.
func (p Population) WriteCSV(dir string) error {
	err := writeCSV(filepath.Join(dir, "persons.csv"), []string{
		"id", "first_name", "last_name", "title", "seniority", "department", "business_email", "phones", "linkedin_url", "city", "state",
		"postal_code", "country", "company", "visitors", "clicks", "seen_at",
	}, func(row func(...string) error) error {
		for i := range p.Persons {
			r := p.Person(i)
			clicks := make([]string, 0, 1)
			for _, c := range r.Clicks {
				clicks = append(clicks, c.Kind+":"+c.Value)
			}
			if err := row(string(r.ID), r.FirstName, r.LastName, r.Title, r.Seniority, r.Department, r.BusinessEmail, strings.Join(r.Phones, ";"),
				r.LinkedIn, r.City, r.State, r.PostalCode, r.Country, r.Company, strings.Join(r.Visitors, ";"), strings.Join(clicks, ";"),
				r.SeenAt.Format(time.RFC3339)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = writeCSV(filepath.Join(dir, "companies.csv"), []string{
		"domain", "name", "website", "industry", "sector", "employee_count", "revenue_range", "year_founded", "city", "state", "country", "linkedin_url", "seen_at",
	}, func(row func(...string) error) error {
		for i := range p.Companies() {
			c := p.Company(i)
			if err := row(c.Domain, c.Name, c.Website, c.Industry, c.Sector, strconv.Itoa(c.Employees), c.Revenue, strconv.Itoa(c.Founded),
				c.City, c.State, c.Country, c.LinkedIn, c.SeenAt.Format(time.RFC3339)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return writeCSV(filepath.Join(dir, "networks.csv"), []string{"network", "domain", "seen_at"}, func(row func(...string) error) error {
		return p.Networks(func(n graph.NetworkRow) error {
			return row(n.Network.String(), n.Domain, n.SeenAt.Format(time.RFC3339))
		})
	})
}

func writeCSV(path string, head []string, rows func(row func(...string) error) error) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("write synthetic people: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	buffer := bufio.NewWriterSize(f, 1<<20)
	w := csv.NewWriter(buffer)
	if err := w.Write(head); err != nil {
		return err
	}
	if err := rows(func(cells ...string) error { return w.Write(cells) }); err != nil {
		return err
	}
	w.Flush()
	return errors.Join(w.Error(), buffer.Flush())
}
