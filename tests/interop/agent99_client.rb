# Talks to a registry with the HTTP that an Agent99 agent sends: Net::HTTP without TLS, one connection a call, JSON
# content type on every request, query as www-form. Prints one JSON line a call: status, content type, body, and what an
# agent makes of it (200: the parsed body, 201: the uuid, 204: nothing, else the error text).
#
#   ruby agent99_client.rb http://127.0.0.1:4567 < calls.json     calls: [[method, path, body or null], ...]
#   A path may hold UUID: the uuid of the last registration. A "capability" in the path is given as it is.

require "json"
require "net/http"
require "uri"

base = URI.parse(ARGV.fetch(0))
http = Net::HTTP.new(base.host, base.port)
headers = { "Content-Type" => "application/json" }
uuid = "none"

JSON.parse($stdin.read).each do |method, path, body|
  path = path.gsub("UUID", uuid).gsub(/\{(.*)\}/) { URI.encode_www_form_component(Regexp.last_match(1)) }
  request = Net::HTTP.const_get(method.capitalize).new(path, headers)
  request.body = JSON.generate(body) if body
  response = http.request(request)
  made =
    case response
    when Net::HTTPOK then JSON.parse(response.body)
    when Net::HTTPCreated then uuid = JSON.parse(response.body).fetch("uuid")
    when Net::HTTPNoContent then nil
    else JSON.parse(response.body).fetch("error")
    end
  puts JSON.generate([response.code.to_i, response["Content-Type"], response.body, made])
end
