package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
)

func main() {
	if os.Args[1] == "serve" {
		http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			w.Write(body)
		})
		panic(http.ListenAndServe(":4007", nil))
	}
	var group sync.WaitGroup
	for n := 0; n < 20; n++ {
		group.Add(1)
		go func() {
			defer group.Done()
			text := strings.Repeat(fmt.Sprint(n), 50000)
			answer, err := http.Post("http://"+net.JoinHostPort(os.Args[2], "4007"), "text/plain", strings.NewReader(text))
			if err != nil {
				panic(err)
			}
			body, err := io.ReadAll(answer.Body)
			if err != nil || string(body) != text {
				panic(fmt.Sprint("wrong answer ", err))
			}
		}()
	}
	group.Wait()
}
