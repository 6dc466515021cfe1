using Bulkhead.Controller.Storage;
using Microsoft.EntityFrameworkCore;

namespace Bulkhead.Controller.Tests.Storage;

/// <summary>An empty store without a controller.</summary>
internal sealed class TestDatabase : IAsyncDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("bulkhead-store-test-");

    public TestDatabase()
    {
        TestStore.Prepare(_folder.FullName);
        using var data = DataFolder.Open(_folder.FullName);
        Store = StoreDatabase.Of(data);
    }

    public StoreDatabase Store { get; }

    public string Folder => _folder.FullName;

    public ControllerDb Connect() => Connect(Store);

    public static ControllerDb Connect(StoreDatabase store)
    {
        var options = new DbContextOptionsBuilder<ControllerDb>()
            .ConfigureWarnings(warnings => warnings.Ignore(Microsoft.EntityFrameworkCore.Diagnostics.RelationalEventId.PendingModelChangesWarning));
        store.Configure(options);
        return new(options.Options);
    }

    public async ValueTask DisposeAsync()
    {
        await Store.DisposeAsync();
        Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
        _folder.Delete(recursive: true);
    }
}
