using System.Net;

namespace Bulkhead.Lab;

/// <summary>A reverse proxy in front of application servers, which take turns; idle connections to them are soon closed.</summary>
internal sealed class Nginx : DaemonKind
{
    // Shorter than what lies between two requests of a browser, so that each takes a new connection.
    private const string KeptFor = "600ms";

    public override string Name => "nginx";

    public override string Program => "nginx";

    public override string User => "www-data";

    public override Service Service => new("tcp", 80, WireProtocol.Http("/health"));

    public override IReadOnlyList<string> Consumes => ["appserver"];

    public override Task<Launch> PrepareAsync(DaemonSetup setup, CancellationToken cancellationToken)
    {
        var servers = setup.LinksTo("appserver").Select(link => $"server {new IPEndPoint(setup.AddressOf(link), AppServer.Port)} max_fails=0; ").ToList();
        var upstream = servers.Count == 0 ? "" : $"upstream servers {{ {string.Concat(servers)}keepalive 4; keepalive_timeout {KeptFor}; }}";
        var proxy = servers.Count == 0 ? "return 404;" : "proxy_pass http://servers; proxy_http_version 1.1; proxy_set_header Connection '';";
        var configuration = setup.Write("nginx.conf", $$"""
            daemon off;
            worker_processes 1;
            pid {{setup.Folder}}/pid;
            error_log stderr warn;
            events { worker_connections 256; }
            http {
              access_log off;
              client_body_temp_path {{setup.Folder}}/body;
              proxy_temp_path {{setup.Folder}}/proxy;
              fastcgi_temp_path {{setup.Folder}}/fastcgi;
              uwsgi_temp_path {{setup.Folder}}/uwsgi;
              scgi_temp_path {{setup.Folder}}/scgi;
              keepalive_requests 1000000000;
              proxy_connect_timeout 2s;
              proxy_read_timeout 5s;
              {{upstream}}
              server {
                listen 80;
                listen [::]:80;
                location = /health { return 200 "ok\n"; }
                location / { {{proxy}} }
              }
            }
            """);
        return Task.FromResult(new Launch(Tool.Require("nginx"), "-e", "stderr", "-c", configuration, "-p", setup.Folder));
    }
}
