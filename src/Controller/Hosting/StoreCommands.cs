using System.CommandLine;
using Bulkhead.Controller.Storage;
using Bulkhead.Controller.Storage.Backups;
using Microsoft.EntityFrameworkCore;

namespace Bulkhead.Controller.Hosting;

/// <summary>Commands about the store as a whole: back up, restore, begin a new epoch, forget a controller.</summary>
public static class StoreCommands
{
    private static readonly Argument<string> s_file = new("FILE") { Description = "The backup." };

    /// <summary>All of them.</summary>
    public static IEnumerable<Command> All() => [MakeBackup(), RestoreBackup(), NewEpoch(), ForgetController()];

    private static Command MakeBackup()
    {
        var command = new Command("backup", "Write all that the controller keeps, the authority's key included, into one file. The controller may be running.") { Commands.Data, s_file };
        command.SetAction((parsed, cancellation) => Commands.WithServicesAsync(parsed, async (services, data) =>
        {
            var file = parsed.GetRequiredValue(s_file);
            await using var database = await services.GetRequiredService<IDbContextFactory<ControllerDb>>().CreateDbContextAsync(cancellation).ConfigureAwait(false);
            await Backup.WriteAsync(data, services.GetRequiredService<StoreDatabase>(), database, file, TimeProvider.System.GetUtcNow(), cancellation).ConfigureAwait(false);
            Console.WriteLine($"{file} ({new FileInfo(file).Length / 1024} KB) holds all of it, the authority's key included: keep it as a secret.");
        }));
        return command;
    }

    private static Command RestoreBackup()
    {
        var command = new Command("restore", "Restore a backup into an empty folder, and begin a new epoch, so that agents follow the older policies.") { Commands.Data, s_file };
        command.SetAction((parsed, cancellation) => Commands.GuardedAsync(async () =>
        {
            using var data = DataFolder.Open(parsed.GetRequiredValue(Commands.Data), restoring: true);
            await using var services = new ServiceCollection().AddStorage(data, TimeProvider.System).AddLogging().BuildServiceProvider();
            await Restore.BeginAsync(parsed.GetRequiredValue(s_file), data, async (state, token) =>
            {
                await using var database = await services.GetRequiredService<IDbContextFactory<ControllerDb>>().CreateDbContextAsync(token).ConfigureAwait(false);
                await StateImport.ReadAsync(database, services.GetRequiredService<StoreDatabase>(), state, token).ConfigureAwait(false);
            }, cancellation).ConfigureAwait(false);
            var ledger = services.GetRequiredService<Ledger>();
            await ledger.AttachAsync(cancellation).ConfigureAwait(false);
            var begun = await ledger.WriteAsync<long>(Ledger.System, async (edit, token) =>
                await Epochs.BeginAsync(edit, "store.restore", "A backup was restored on the controller's machine; a new epoch of policy generations begins.", token).ConfigureAwait(false), cancellation).ConfigureAwait(false);
            Restore.End(data);
            var snapshot = services.GetRequiredService<LiveState>().Current;
            Console.WriteLine($"Restored: revision {snapshot.Provisioned.Number}, {snapshot.Entries.Count} workloads. Epoch {begun.Value} begins at the next start.");
            Console.WriteLine("Everybody signs in again. What was revoked after the backup is valid again: look at keys and workloads. Hosts that were paired after it must be paired again.");
        }));
        return command;
    }

    private static Command NewEpoch()
    {
        var command = new Command("new-epoch", "After the data was put back by other means than 'restore': begin a new epoch, so that agents accept its policies again. The controller must be stopped.") { Commands.Data };
        command.SetAction((parsed, cancellation) => Commands.WithStoreAsync(parsed, async (ledger, _) =>
        {
            using var alone = DataFolder.Open(parsed.GetRequiredValue(Commands.Data));
            var begun = await ledger.WriteAsync<long>(Ledger.System, async (edit, token) =>
                await Epochs.BeginAsync(edit, "policy.new-epoch", "A new epoch of policy generations was begun on the controller's machine.", token).ConfigureAwait(false), cancellation).ConfigureAwait(false);
            Console.WriteLine($"Epoch {begun.Value} begins at the next start.");
        }, cancellation));
        return command;
    }

    private static Command ForgetController()
    {
        var name = new Argument<string>("NAME") { Description = "The machine's name, or the controller's id, as 'status' shows them." };
        var command = new Command("forget-controller", "Take a controller that is no longer used out of a shared database: hosts let it through no more.") { Commands.Data, name };
        command.SetAction((parsed, cancellation) => Commands.WithStoreAsync(parsed, async (ledger, _) =>
        {
            var outcome = await ledger.WriteAsync<string>(Ledger.System, async (edit, token) =>
            {
                var wanted = parsed.GetRequiredValue(name);
                var rows = (await edit.Database.Controllers.ToListAsync(token).ConfigureAwait(false)).Where(row => row.Name == wanted || row.Id.ToString("D") == wanted).ToList();
                if (rows.Count != 1)
                {
                    return rows.Count == 0 ? Problems.NotFound("controller", wanted)
                        : Problems.Conflict("ambiguous", $"Several controllers are called '{wanted}'. Give the id: {string.Join(", ", rows.Select(row => row.Id))}");
                }

                edit.Database.Controllers.Remove(rows[0]);
                edit.Touch(Storage.Rows.ChangeKind.Controllers, rows[0].Id.ToString("D"));
                edit.Audit("store.forget-controller", wanted, $"The controller {rows[0].Name} at {rows[0].Endpoints} is no longer one of this database's.");
                return rows[0].Endpoints;
            }, cancellation).ConfigureAwait(false);
            Console.WriteLine(outcome.Value is { } endpoints ? $"Forgotten. Hosts no longer let {endpoints} through." : throw new InvalidDataException(outcome.Refusal!.Title));
        }, cancellation));
        return command;
    }
}
