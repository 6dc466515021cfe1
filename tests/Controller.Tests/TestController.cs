using System.Net;
using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Access;
using Bulkhead.Controller.Authority;
using Bulkhead.Controller.Hosting;
using Bulkhead.Controller.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;

namespace Bulkhead.Controller.Tests;

/// <summary>A real controller: Kestrel with TLS on two ports of its own, a store of its own (see <see cref="TestStore"/>).</summary>
internal sealed class TestController : IAsyncDisposable
{
    private readonly TimeProvider _clock;
    private readonly DirectoryInfo _folder;
    private DataFolder _data;
    private CertificateAuthority _authority;
    private WebApplication _app;

    private TestController(TimeProvider clock, DirectoryInfo folder, (DataFolder Data, CertificateAuthority Authority, WebApplication App, string? Password) opened)
    {
        (_clock, _folder) = (clock, folder);
        (_data, _authority, _app, OneTimePassword) = opened;
    }

    public string? OneTimePassword { get; private set; }

    public string Folder => _folder.FullName;

    public CertificateAuthority Authority => _authority;

    public IServiceProvider Services => _app.Services;

    public T Get<T>()
        where T : notnull => Services.GetRequiredService<T>();

    public LiveState Live => Services.GetRequiredService<LiveState>();

    public Ledger Ledger => Services.GetRequiredService<Ledger>();

    public Uri Rest => Address(0);

    public Uri Agents => Address(1);

    public static async Task<TestController> StartAsync(TimeProvider? clock = null, Func<StoreDatabase, Task>? fill = null)
    {
        var folder = Directory.CreateTempSubdirectory("bulkhead-controller-test-");
        TestStore.Prepare(folder.FullName);
        if (fill is not null)
        {
            using var data = DataFolder.Open(folder.FullName);
            await using var store = StoreDatabase.Of(data);
            await fill(store);
            Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
        }

        return new(clock ?? TimeProvider.System, folder, await OpenAsync(clock ?? TimeProvider.System, folder.FullName));
    }

    /// <summary>Starts on a folder that is there, and takes it over.</summary>
    public static async Task<TestController> StartOnAsync(string folder) => new(TimeProvider.System, new(folder), await OpenAsync(TimeProvider.System, folder));

    /// <summary>Starts another controller on the store of one, with a folder of its own and the same authority.</summary>
    public static async Task<TestController> JoinAsync(TestController other)
    {
        var folder = Directory.CreateTempSubdirectory("bulkhead-controller-test-");
        foreach (var shared in (string[])[ConnectionSecret.Name, "ca.key", "ca.crt"])
        {
            File.Copy(Path.Combine(other.Folder, shared), Path.Combine(folder.FullName, shared));
        }

        return new(other._clock, folder, await OpenAsync(other._clock, folder.FullName));
    }

    /// <summary>Stops and starts on the same folder.</summary>
    public async Task RestartAsync()
    {
        await CloseAsync();
        (_data, _authority, _app, OneTimePassword) = await OpenAsync(_clock, Folder);
    }

    /// <summary>A client that nobody has signed in with.</summary>
    public ApiClient Anonymous() => new(Rest, _authority.Certificate);

    /// <summary>A client with an API key of a role, to which a scope may narrow it.</summary>
    public Task<ApiClient> ClientAsync(AccessRole role = AccessRole.Owner, string? scope = null) => ClientAsync(new Grant(role, scope));

    /// <summary>A client of who drafts, labels, provisions and quarantines, everywhere.</summary>
    public Task<ApiClient> EditorAsync() => ClientAsync(new(AccessRole.PolicyEditor, null), new(AccessRole.Provisioner, null), new(AccessRole.Responder, null));

    /// <summary>A client with an API key of these grants.</summary>
    public async Task<ApiClient> ClientAsync(params Grant[] grants)
    {
        var made = await ApiKeyEndpoints.MakeAsync(Ledger, "test", new($"test-{grants[0].Role}", grants, null), CancellationToken.None);
        var client = Anonymous();
        client.Authorize(made.Value!.Secret);
        return client;
    }

    /// <summary>A client of an account that had a one-time password, and has one of its own now.</summary>
    public async Task<ApiClient> SignInAsync(string name, string oneTime, string password = "correct horse battery")
    {
        var client = Anonymous();
        await client.PostAsync<SessionView>("session", new SignIn(name, oneTime));
        await client.PostAsync<SessionView>("session/password", new ChangePassword(oneTime, password));
        return client;
    }

    /// <summary>A client of a new account with these grants.</summary>
    public async Task<ApiClient> PersonAsync(ApiClient owner, string name, params Grant[] grants) =>
        await SignInAsync(name, (await owner.PostAsync<AccountPassword>("accounts", new CreateAccount(name, grants))).OneTimePassword);

    /// <summary>A secret with which hosts pair whose addresses lie in 10.0.0.0/8 or fd00::/8.</summary>
    public static async Task<CreatedPairingKey> PairingKeyAsync(ApiClient admin, bool autoAdmit = true, int? maxUses = null, params (string Key, string Value)[] labels) =>
        await admin.PostAsync<CreatedPairingKey>("pairing-keys", new CreatePairingKey(
            "test", labels.ToDictionary(l => l.Key, l => l.Value), ["10.0.0.0/8", "fd00::/8"], maxUses, DateTimeOffset.UtcNow.AddDays(1), autoAdmit));

    /// <summary>All that the relational store holds, but for sessions, as text.</summary>
    public async Task<string> ExportAsync()
    {
        await using var database = await Ledger.ReadAsync(CancellationToken.None);
        using var stream = new MemoryStream();
        await Controller.Storage.Backups.StateExport.WriteAsync(database, Get<StoreDatabase>(), stream, DateTimeOffset.UnixEpoch, CancellationToken.None);
        return System.Text.Encoding.UTF8.GetString(stream.ToArray());
    }

    public async ValueTask DisposeAsync()
    {
        await CloseAsync();
        _folder.Delete(recursive: true);
    }

    private static async Task<(DataFolder, CertificateAuthority, WebApplication, string?)> OpenAsync(TimeProvider clock, string folder)
    {
        var data = DataFolder.Open(folder);
        var authority = CertificateAuthority.Open(data, clock);
        var anyPort = new IPEndPoint(IPAddress.Loopback, 0);
        var app = ControllerApp.Build(new() { Listen = anyPort, AgentListen = [anyPort] }, data, authority, clock);
        var password = await ControllerApp.OpenAsync(app, CancellationToken.None);
        await app.StartAsync();
        return (data, authority, app, password);
    }

    private Uri Address(int index) =>
        new(Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.ElementAt(index));

    private async Task CloseAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
        _authority.Dispose();
        _data.Dispose();
        Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
    }
}
