/** The price list in memory: the built-in prices and the operator's, as the database holds them. */
import type { StoreCommand } from '../shared/messages.ts';
import type { Price } from '../shared/price.ts';
import { PriceBook } from '../shared/pricing.ts';

export class Prices {
  #operator = new Map<string, Price>();
  #book = new PriceBook();

  /** Replaces the operator's prices by what the database holds. */
  load(prices: readonly Price[]): void {
    this.#operator = new Map(prices.map((price) => [price.id, price]));
    this.#book = new PriceBook(prices);
  }

  /** Follows a command that was committed. */
  apply(command: StoreCommand): void {
    if (command.op === 'create_price' || command.op === 'update_price')
      this.#operator.set(command.price.id, command.price);
    else if (command.op === 'delete_price') this.#operator.delete(command.id);
    else return;
    this.#book = new PriceBook([...this.#operator.values()]);
  }

  /** The list of this moment: what a request costs, and what the prices are. */
  get book(): PriceBook {
    return this.#book;
  }

  /** How many entries the operator has. */
  get size(): number {
    return this.#operator.size;
  }

  /** An entry of the operator's; null when there is none. */
  get(id: string): Price | null {
    return this.#operator.get(id) ?? null;
  }
}
