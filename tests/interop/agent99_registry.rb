# A registry that behaves as Agent99's own: Sinatra, rows in memory, no lives, no checks (a bad body is a 500 with a
# trace, an unknown path an HTML 404).
#
#   ruby agent99_registry.rb PORT

require "json"
require "securerandom"
require "sinatra/base"
require "webrick"

class Registry < Sinatra::Base
  set :environment, :development
  set :bind, "127.0.0.1"
  set :server, "webrick"
  set :quiet, true
  set :server_settings, AccessLog: [], Logger: WEBrick::Log.new($stderr, WEBrick::Log::FATAL)
  set :rows, []

  helpers do
    def json(value)
      content_type :json
      JSON.generate(value)
    end
  end

  get("/healthcheck") { json("agent_count" => settings.rows.size) }

  get("/") { json(settings.rows) }

  post "/register" do
    packet = JSON.parse(request.body.read)
    packet["capabilities"].map!(&:downcase)
    packet["uuid"] = SecureRandom.uuid
    settings.rows << packet
    [201, json("uuid" => packet["uuid"])]
  end

  get "/discover" do
    wanted = params["capability"].downcase
    json(settings.rows.select { |row| row["capabilities"].include?(wanted) })
  end

  delete "/withdraw/:uuid" do |uuid|
    gone = settings.rows.reject! { |row| row["uuid"] == uuid }
    gone ? 204 : [404, json("error" => "Agent with UUID #{uuid} not found.")]
  end
end

Registry.set :port, Integer(ARGV.fetch(0))
ARGV.clear
Registry.run!
